"""Blur pooling against NumPy's reflection and convolution, and the shift that it is for."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.functional.blur import blur_pool

QUICK = settings(max_examples=8)
# The rows that the paper's code lists.
ROWS = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1], 6: [1, 5, 10, 10, 5, 1]}


def filtered(x, size, strides):
    """The full N-D filter on the reflected image, then every strides-th pixel; x is (batch, *spatial, channels)."""
    n = x.ndim - 2
    kernel = functools.reduce(np.multiply.outer, [np.array(ROWS[size]) / np.sum(ROWS[size])] * n)
    padded = np.pad(x, [(0, 0), *[((size - 1) // 2, size // 2)] * n, (0, 0)], mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape, tuple(range(1, n + 1)))
    y = np.tensordot(views, kernel, n)
    return y[(slice(None), *(slice(None, None, s) for s in strides))]


@QUICK
@given(
    st.lists(st.integers(4, 7), min_size=1, max_size=3),
    st.sampled_from([*ROWS]),
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.sampled_from(["channels_last", "channels_first"]),
)
def test_against_numpy(spatial, size, strides, data_format):
    x = np.random.default_rng(size).integers(-4, 5, (2, *spatial, 2)).astype(np.float32)
    strides = tuple(strides[: len(spatial)])
    expected = filtered(x, size, strides)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    blur = functools.partial(blur_pool, strides=strides, filter_size=size, data_format=data_format)
    np.testing.assert_allclose(jax.jit(blur)(x), expected, rtol=1e-5, atol=1e-6)


def test_by_hand():
    # Reflected: 4 | 8 4 0 0 | and (8·1 + 4 + 4)/4 …
    x = jnp.array([8.0, 4, 0, 0])[:, None]
    np.testing.assert_array_equal(blur_pool(x, spatial_dims=1)[:, 0], [6, 1])
    np.testing.assert_array_equal(blur_pool(x[None], filter_size=2)[0, :, 0], [6, 0])
    np.testing.assert_array_equal(blur_pool(x[None], filter_size=1)[0, :, 0], [8, 0])


def test_a_shift_upsets_it_less():
    # A fine stripe pattern: subsampled, all ones or all zeros; blurred, one half either way.
    stripes = jnp.asarray(np.arange(12) % 2, jnp.float32)[None, :, None]
    np.testing.assert_array_equal(blur_pool(stripes), np.full((1, 6, 1), 0.5))
    np.testing.assert_array_equal(blur_pool(1 - stripes), np.full((1, 6, 1), 0.5))


def test_linear(x64):
    x = np.random.default_rng(0).standard_normal((1, 4, 5, 1))

    @jax.jit
    def there_and_back(x):
        y = blur_pool(x, strides=(2, 1))
        return y, *jax.linear_transpose(lambda x: blur_pool(x, strides=(2, 1)), x)(y)

    y, adjoint = there_and_back(x)
    np.testing.assert_allclose(np.vdot(adjoint, x), np.vdot(y, y), rtol=1e-12)


def test_vmap_and_dtypes(x64):
    x = np.random.default_rng(0).integers(-4, 5, (3, 1, 4, 4, 2))
    blur = jax.jit(blur_pool)
    np.testing.assert_array_equal(jax.jit(jax.vmap(blur_pool))(x.astype(float))[1], blur(x[1].astype(float)))
    for dtype in ("float64", "float32", "bfloat16", "float16", "complex64"):
        assert jax.eval_shape(blur, jnp.asarray(x[0], dtype)).dtype == dtype


X = jax.ShapeDtypeStruct((2, 5, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X, {"filter_size": 6}, "^filter_size must be below 6 for the 3 pixels of spatial dimension 1, .*; got 6; use"),
        (X, {"filter_size": 0}, "^filter_size must be an integer of at least 1, got 0$"),
        (X, {"filter_size": (3, 3)}, "^filter_size must be an integer of at least 1"),
        (X, {"strides": 0}, "^strides must be an integer >= 1 or 2 of them"),
        (X, {"strides": (1, 2, 3)}, "^strides must be an integer >= 1 or 2 of them"),
        (X, {"spatial_dims": 1}, "^x must have 3 axes"),
        (X, {"data_format": "NCHW"}, "^data_format must be one of"),
        (jax.ShapeDtypeStruct((2, 4), np.float32), {}, "^x must have axes .* at least one spatial axis"),
    ],
)
def test_refused(x, options, message):
    with pytest.raises(ValueError, match="must") as caught:
        jax.eval_shape(functools.partial(blur_pool, **options), x)
    assert re.search(message, str(caught.value))


def test_integers_are_refused():
    with pytest.raises(TypeError, match=r"^x must be floating or complex for blur_pool, got int32; cast it$"):
        blur_pool(np.ones((1, 4, 1), np.int32))
