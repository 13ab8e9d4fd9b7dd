"""Where maxima were, and back: against NumPy loops, adjoint identities and hand values."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn import geometry
from jaxcnn.functional.pool import max_pool
from jaxcnn.functional.unpool import max_pool_with_argmax, max_unpool

QUICK = settings(max_examples=5)
THOROUGH = settings(max_examples=100)


def looped(x, cells, *, window, strides, pads, dilation):
    """Index of the first maximum of every window of x, (batch, *spatial, channels), in its flattened pixels."""
    spatial, indices = x.shape[1:-1], np.zeros((x.shape[0], *cells, x.shape[-1]), np.int64)
    for b, *cell, c in np.ndindex(*indices.shape):
        taps = [
            tuple(i * s - low + t * d for i, s, (low, _), t, d in zip(cell, strides, pads, tap, dilation, strict=True))
            for tap in np.ndindex(*window)
        ]
        inside = [p for p in taps if all(0 <= i < n for i, n in zip(p, spatial, strict=True))]
        winner = inside[np.argmax([x[(b, *p, c)] for p in inside])]
        indices[(b, *cell, c)] = np.ravel_multi_index(winner, spatial)
    return indices


@st.composite
def cases(draw):
    n = draw(st.sampled_from([1, 2, 2, 3]))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))

    window, dilation, strides = ints(1, 3), ints(1, 2), ints(1, 3)
    spans = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    spatial = tuple(span + draw(st.integers(0, 2)) for span in spans)
    pads = tuple((draw(st.integers(0, w // 2)), draw(st.integers(0, w // 2))) for w in window)
    options = {"strides": strides, "dilation": dilation, "padding": pads, "ceil_mode": draw(st.booleans())}
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-2, 3, (2, *spatial, 2)).astype(np.float32)
    if draw(st.booleans()):
        x = rng.choice(np.array([-np.inf, -np.inf, np.nan, 0, 1], np.float32), x.shape)
    return x, window, options, draw(st.sampled_from(["channels_last", "channels_first"]))


@QUICK
@given(cases())
def test_against_loops(case):
    check_case(case)


@pytest.mark.slow
@THOROUGH
@given(cases())
def test_against_loops_thoroughly(case):
    check_case(case)


def check_case(case):
    x, window, options, data_format = case
    spatial = x.shape[1:-1]
    cells = geometry.pool_output_shape(spatial, window, **options)
    pads, steps = options["padding"], {"strides": options["strides"], "dilation": options["dilation"]}
    expected = looped(x, cells, window=window, pads=pads, **steps)
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x

    @jax.jit
    def there_and_back(x):
        values, indices = max_pool_with_argmax(x, window, data_format=data_format, **options)
        return values, indices, max_unpool(values, indices, output_shape=spatial, data_format=data_format)

    values, indices, back = map(np.asarray, there_and_back(given))
    assert indices.dtype == jnp.int32
    if data_format == "channels_first":
        values, indices, back = (np.moveaxis(a, 1, -1) for a in (values, indices, back))
    np.testing.assert_array_equal(indices, expected)
    flat = x.reshape(2, -1, 2)
    np.testing.assert_array_equal(values.reshape(2, -1, 2), np.take_along_axis(flat, expected.reshape(2, -1, 2), 1))
    # And back: every pixel that won holds its value, the others 0.
    written = np.zeros_like(flat)
    np.put_along_axis(written, expected.reshape(2, -1, 2), values.reshape(2, -1, 2), 1)
    np.testing.assert_array_equal(back, written.reshape(x.shape))


def test_by_hand():
    x = jnp.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[..., None]
    values, indices = max_pool_with_argmax(x, (2, 2))
    np.testing.assert_array_equal(values[..., 0], [[6, 8], [3, 4]])
    np.testing.assert_array_equal(indices[..., 0], [[5, 7], [8, 15]])
    back = max_unpool(values, indices, output_shape=(4, 4))
    np.testing.assert_array_equal(back[..., 0], [[0, 0, 0, 0], [0, 6, 0, 8], [3, 0, 0, 0], [0, 0, 0, 4]])
    # One int for both, where the values are batched.
    np.testing.assert_array_equal(
        jax.jit(functools.partial(max_unpool, output_shape=4))(values[None], indices[None])[0], back
    )


def test_large_windows_and_int8():
    x = np.random.default_rng(0).permutation(np.arange(-100, 100)).astype(np.int8).reshape(1, 200, 1)
    values, indices = jax.jit(functools.partial(max_pool_with_argmax, window=150, strides=50))(x)
    assert values.dtype == jnp.int8
    np.testing.assert_array_equal(indices[0, :, 0], [np.argmax(x[0, :150]), 50 + np.argmax(x[0, 50:])])


def test_a_duplicate_is_written_once_by_the_first():
    values = jnp.array([1.0, 2.0, jnp.inf, 4.0])[:, None]
    indices = jnp.array([3, 0, 3, 0])[:, None]

    def unpool(values):
        return max_unpool(values, indices, output_shape=(5,))

    for run in (unpool, jax.jit(unpool)):
        np.testing.assert_array_equal(run(values)[:, 0], [2, 0, 0, 1, 0])
    (ct,) = jax.vjp(unpool, values)[1](jnp.arange(1.0, 6)[:, None])
    np.testing.assert_array_equal(ct[:, 0], [4, 1, 0, 0])


def test_unpool_is_the_adjoint_of_picking():
    rng = np.random.default_rng(0)
    x, v = (jnp.asarray(rng.standard_normal(shape), jnp.float32) for shape in ((2, 6, 7, 3), (2, 3, 3, 3)))

    @jax.jit
    def all_of_them(x, v):
        values, pull, indices = jax.vjp(lambda x: max_pool_with_argmax(x, 2), x, has_aux=True)
        picked = jnp.take_along_axis(x.reshape(2, -1, 3), indices.reshape(2, -1, 3), 1).reshape(v.shape)
        unpool = functools.partial(max_unpool, indices=indices, output_shape=(6, 7))
        return values, *pull(v), picked, unpool(v), *jax.linear_transpose(unpool, v)(x)

    values, ct, picked, up, adjoint = all_of_them(x, v)
    np.testing.assert_array_equal(picked, values)
    np.testing.assert_allclose(np.vdot(up, x), np.vdot(v, picked), rtol=1e-5)
    np.testing.assert_array_equal(adjoint, picked)
    # And the gradient of the pool puts cotangents where the unpool puts values.
    np.testing.assert_array_equal(ct, up)


def test_values_differentiate_as_max_pool():
    x = jnp.asarray(np.random.default_rng(0).integers(-2, 3, (2, 5, 5, 1)), jnp.float32)
    options = {"strides": 2, "padding": 1, "ceil_mode": True}

    @jax.jit
    def both(x):
        y, pull, _ = jax.vjp(lambda x: max_pool_with_argmax(x, 3, **options), x, has_aux=True)
        expected, expected_pull = jax.vjp(lambda x: max_pool(x, 3, **options), x)
        return (y, *pull(y)), (expected, *expected_pull(y))

    for got, expected in zip(*both(x), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_vmap_is_a_loop():
    x = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (3, 2, 4, 5, 2)), jnp.float32)

    def once(x):
        values, indices = max_pool_with_argmax(x, (2, 2), strides=1)
        return indices, max_unpool(values, indices, output_shape=(4, 5))

    for at_once, one, unbatched in zip(
        jax.jit(jax.vmap(once))(x), jax.jit(once)(x[1]), jax.jit(once)(x[1, 1]), strict=True
    ):
        np.testing.assert_array_equal(at_once[1], one)
        np.testing.assert_array_equal(at_once[1, 1], unbatched)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "int8", "int64", "bool"])
def test_dtypes(x64, dtype):
    def there_and_back(x):
        values, indices = max_pool_with_argmax(x, 2)
        return values, indices, max_unpool(values, indices.astype(np.int64), output_shape=4)

    values, indices, back = jax.jit(there_and_back)(jnp.array([-3, 4, 0, -1], dtype)[None, :, None])
    assert (values.dtype, indices.dtype, back.dtype) == (dtype, np.int32, dtype)
    np.testing.assert_array_equal(back.astype(float)[0, :, 0], [1, 0, 0, 1] if dtype == "bool" else [0, 4, 0, 0])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_indices_may_have_fewer_bits_than_the_image_needs(dtype):
    y = jax.jit(functools.partial(max_unpool, output_shape=(70_000,)))(
        jnp.array([[1], [2], [4]]), jnp.array([[100], [7], [100]], dtype)
    )
    assert (y[7, 0], y[100, 0], y.sum()) == (2, 1, 3)


def test_unknown_indices_outside_are_left_out():
    up = jax.jit(functools.partial(max_unpool, output_shape=(3,)))
    y = up(jnp.array([[1.0], [2.0], [4.0]]), jnp.array([[-1], [3], [2]]))
    np.testing.assert_array_equal(y[:, 0], [0, 0, 4])


V, I = np.ones((1, 2, 2, 3), np.float32), np.zeros((1, 2, 2, 3), np.int32)  # noqa: E741 - values and indices


@pytest.mark.parametrize(
    ("indices", "output_shape", "message"),
    [
        (I + 16, (4, 4), "^indices must lie in the image of 16 pixels .*, from 0 to 15; got 16 to 16; use the spatial"),
        (I - 1, (4, 4), "^indices must lie in .*; got -1 to -1;"),
        (I[0], (4, 4), r"^indices must have the shape of values, \(1, 2, 2, 3\); got \(2, 2, 3\)$"),
        (I, (4, 0), r"^output_shape must be an integer >= 1 or 2 of them, .*; got \(4, 0\)$"),
        (I, 2.5, r"^output_shape must be an integer >= 1 or 2 of them, .*; got 2\.5$"),
        (
            I,
            (4,),
            r"^output_shape must be a tuple of 1 to 3 ints with values .*; got \(4,\) with shape \(1, 2, 2, 3\)$",
        ),
        (I, (), "^output_shape must be a tuple of 1 to 3 ints with values"),
        (I, (2**16, 2**16), "^output_shape must have fewer than"),
    ],
)
def test_refused(indices, output_shape, message):
    with pytest.raises(ValueError, match="must") as caught:
        max_unpool(V, indices, output_shape=output_shape)
    assert re.search(message, str(caught.value))


def test_wrong_types():
    with pytest.raises(TypeError, match=r"^indices must be integers, .*; got float32$"):
        max_unpool(V, V, output_shape=(4, 4))
    with pytest.raises(TypeError, match=r"^values must be an array of numbers"):
        max_unpool(np.array("a"), I, output_shape=(4, 4))
    with pytest.raises(TypeError, match=r"^x must be real for max_pool_with_argmax"):
        max_pool_with_argmax(V.astype(np.complex64), 2)
    with pytest.raises(ValueError, match=r"^padding must leave every window a pixel"):
        max_pool_with_argmax(V, 1, padding=1)
    with pytest.raises(ValueError, match=r"^x must have fewer than 2\*\*31 pixels"):
        jax.eval_shape(lambda x: max_pool_with_argmax(x, 2), jax.ShapeDtypeStruct((1, 2**16, 2**15, 1), np.int8))
