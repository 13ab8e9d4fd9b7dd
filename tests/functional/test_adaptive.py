"""Adaptive pools against loops over PyTorch's windows, with the house's policies for ties, NaNs and infinities."""

import itertools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.functional.adaptive import adaptive_avg_pool, adaptive_max_pool
from jaxcnn.functional.pool import global_avg_pool, global_max_pool

QUICK = settings(max_examples=5)
THOROUGH = settings(max_examples=100)
POOLS = {"max": adaptive_max_pool, "avg": adaptive_avg_pool}


def looped(kind, x, output_size):
    """Values, and the cotangent of x for cotangents 1, 2, 3 …, window by window; x is (batch, *spatial, channels)."""
    spatial = x.shape[1:-1]
    y = np.zeros((x.shape[0], *output_size, x.shape[-1]))
    ct, dx = np.arange(1.0, y.size + 1).reshape(y.shape), np.zeros(x.shape)
    for at in np.ndindex(*y.shape):
        b, *cell, c = at
        ranges = [
            range(math.floor(i * n / out), math.ceil((i + 1) * n / out))
            for i, n, out in zip(cell, spatial, output_size, strict=True)
        ]
        pixels = [(b, *p, c) for p in itertools.product(*ranges)]
        values = np.array([x[p] for p in pixels])
        if kind == "max":
            y[at] = values[np.argmax(values)]
            dx[pixels[np.argmax(values)]] += ct[at]
        else:
            y[at] = values.mean()
            for p in pixels:
                dx[p] += ct[at] / len(pixels)
    return y, ct, dx


@st.composite
def cases(draw):
    n = draw(st.sampled_from([1, 2, 2, 3]))
    spatial = draw(st.lists(st.integers(1, (7, 6, 3)[n - 1]), min_size=n, max_size=n))
    sizes = draw(st.lists(st.one_of(st.none(), st.integers(1, (9, 7, 3)[n - 1])), min_size=n, max_size=n))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-2, 3, (draw(st.sampled_from([1, 2])), *spatial, 2)).astype(np.float32)
    kind = draw(st.sampled_from([*POOLS]))
    if kind == "max" and draw(st.booleans()):
        x = rng.choice(np.array([-np.inf, -np.inf, np.nan, np.inf, 0], np.float32), x.shape)
    return kind, x, tuple(sizes), draw(st.booleans())


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
    kind, x, sizes, first = case
    y, ct, dx = looped(kind, x, [n if s is None else s for s, n in zip(sizes, x.shape[1:-1], strict=True)])

    def ours(y):
        return np.moveaxis(y, -1, 1) if first else y

    @jax.jit
    def value_and_cotangent(x, ct):
        data_format = "channels_first" if first else "channels_last"
        y, pull = jax.vjp(lambda x: POOLS[kind](x, sizes, data_format=data_format), x)
        return y, *pull(ct)

    got, ct_x = value_and_cotangent(ours(x), ours(ct.astype(np.float32)))
    np.testing.assert_allclose(got, ours(y), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ct_x, ours(dx), rtol=1e-5)


def test_windows_by_hand():
    # 5 to 3: pixels 0-1, 1-3, 3-4. 3 to 5: 0, 0-1, 1, 1-2, 2.
    x = jnp.array([1.0, 8.0, 3.0, 4.0, 6.0])[:, None]
    largest, mean = (jax.jit(pool, static_argnums=1) for pool in POOLS.values())
    np.testing.assert_array_equal(adaptive_max_pool(x, (3,))[:, 0], [8, 8, 6])
    np.testing.assert_array_equal(adaptive_avg_pool(x, (3,))[:, 0], [4.5, 5, 5])
    np.testing.assert_array_equal(largest(x[:3], (5,))[:, 0], [1, 8, 8, 8, 3])
    np.testing.assert_array_equal(mean(x[:3], (5,))[:, 0], [1, 4.5, 8, 5.5, 3])
    np.testing.assert_array_equal(mean(x, (None,)), x)
    np.testing.assert_array_equal(mean(x[None], 3)[0, :, 0], [4.5, 5, 5])


@pytest.mark.parametrize("shape", [(2, 13, 13, 1), (0, 4, 5, 3)])
def test_one_cell_is_the_whole_image(shape):
    x = jnp.asarray(np.random.default_rng(0).standard_normal(shape), jnp.float32)
    largest, mean = (jax.jit(pool, static_argnums=1)(x, 1) for pool in POOLS.values())
    np.testing.assert_array_equal(largest, global_max_pool(x, keepdims=True))
    np.testing.assert_allclose(mean, global_avg_pool(x, keepdims=True), rtol=1e-4)


def gradient(x, output_size):
    return jax.jit(jax.grad(lambda x: adaptive_max_pool(x, output_size).sum()))(x)[..., 0]


def test_ties_nan_and_infinities():
    tied = jnp.full((3, 3, 1), 7.0)
    np.testing.assert_array_equal(gradient(tied, (2, 2)), [[1, 1, 0], [1, 1, 0], [0, 0, 0]])
    x = tied.at[0, 1].set(jnp.nan).at[1, 0].set(jnp.nan)
    # The first window of four sees both NaNs; row-major, [0, 1] comes first.
    np.testing.assert_array_equal(gradient(x, (2, 2)), [[0, 2, 0], [1, 1, 0], [0, 0, 0]])
    # Windows of 5 to 3 differ in size: what fills the smaller ones must not win over −inf.
    np.testing.assert_array_equal(gradient(jnp.full((5, 1), -jnp.inf), (3,)), [1, 1, 0, 1, 0])
    x = jnp.array([1.0, 1.0, jnp.inf, jnp.nan, 1.0])[:, None]
    mean = jax.jit(adaptive_avg_pool, static_argnums=1)
    np.testing.assert_array_equal(mean(x, (3,))[:, 0], [1, jnp.nan, jnp.nan])
    np.testing.assert_array_equal(mean(x[:3], (2,))[:, 0], [1, jnp.inf])
    np.testing.assert_array_equal(mean(x[:3][::-1], (5,))[:, 0], [jnp.inf, jnp.inf, 1, 1, 1])


@pytest.mark.parametrize("kind", POOLS)
def test_vmap_is_a_loop(kind):
    x = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (3, 4, 5, 2)), jnp.float32)

    def once(x):
        y, pull = jax.vjp(lambda x: POOLS[kind](x, (3, 2)), x)
        return y, *pull(y)

    for at_once, batched, single in zip(jax.jit(jax.vmap(once))(x), jax.jit(once)(x), jax.jit(once)(x[1]), strict=True):
        np.testing.assert_allclose(at_once, batched, rtol=1e-6)
        np.testing.assert_allclose(at_once[1], single, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "complex64", "int8", "uint8", "int64", "bool"])
def test_dtypes(x64, dtype):
    x = jnp.asarray(np.arange(10).reshape(1, 5, 2), dtype)
    if dtype != "complex64":
        y = jax.jit(lambda x: adaptive_max_pool(x, 3))(x)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y[0, :, 0], np.array([2, 6, 8]).astype(dtype))
    if jnp.issubdtype(dtype, jnp.inexact):
        assert jax.eval_shape(lambda x: adaptive_avg_pool(x, 3), x).dtype == dtype


def test_half_types_accumulate_in_float32():
    # A running sum in float16 would overflow.
    assert adaptive_avg_pool(jnp.full((1, 5, 1), 30000, jnp.float16), 2)[0, 0, 0] == 30000


X = jax.ShapeDtypeStruct((2, 5, 5, 4), np.float32)


@pytest.mark.parametrize(
    ("x", "size", "options", "message"),
    [
        (X, 0, {}, "^output_size must be an integer >= 1 or 2 of them, one a spatial dimension; got 0$"),
        (X, (3, -1), {}, r"^output_size must be an integer >= 1 or 2 of them, .*; got \(3, -1\)$"),
        (X, 2.0, {}, r"^output_size must be an integer >= 1 or 2 of them.*; got 2\.0$"),
        (X, None, {}, "^output_size must be an integer >= 1 or 2 of them.*; got None$"),
        (X, (), {}, r"^output_size must be an int with x of 3 to 5 axes .* of 1 to 3 ints; got \(\) with shape"),
        (X, (2,), {}, r"^x must have 3 axes .* for 1 spatial dimensions; got shape \(2, 5, 5, 4\)$"),
        (X, 2, {"data_format": "NCHW"}, "^data_format must be one of .*; got 'NCHW'$"),
        (jax.ShapeDtypeStruct((2, 0, 4), np.float32), 2, {}, "^x must have at least one pixel and one channel; got"),
        (jax.ShapeDtypeStruct((4,), np.float32), 2, {}, "^output_size must be an int with x of 3 to 5 axes"),
    ],
)
def test_refused(x, size, options, message):
    for pool in POOLS.values():
        with pytest.raises(ValueError, match=r"^\w+ must") as caught:
            jax.eval_shape(lambda x, pool=pool: pool(x, size, **options), x)
        assert re.search(message, str(caught.value))


def test_wrong_types():
    with pytest.raises(TypeError, match=r"^x must be floating or complex for adaptive_avg_pool, since .*, got int32"):
        adaptive_avg_pool(np.ones((1, 2, 1), np.int32), 1)
    with pytest.raises(TypeError, match=r"^x must be real for adaptive_max_pool"):
        adaptive_max_pool(np.ones((1, 2, 1), np.complex64), 1)
    with pytest.raises(TypeError, match=r"^x must be an array of numbers"):
        adaptive_max_pool(np.array([["a"]]), 1)
