"""Unshared convolution: equal to conv where all places share a kernel, and by hand where they don't."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("options", [{}, {"strides": (1, 2), "padding": "SAME"}, {"kernel_dilation": 2}])
def test_shared_weights_give_conv(options):
    x, kernel = RNG.standard_normal((2, 5, 6, 3), np.float32), RNG.standard_normal((2, 3, 3, 4), np.float32)
    bias = jnp.arange(4.0)
    expected = F.conv(x, kernel, bias, **options)
    everywhere = np.broadcast_to(kernel, (*expected.shape[1:-1], *kernel.shape))
    np.testing.assert_allclose(F.local_conv(x, everywhere, bias, **options), expected, atol=1e-5)


def test_by_hand():
    kernel = jnp.array([[[[1]], [[2]]], [[[10]], [[20]]]])  # (out 2, window 2, 1, 1)
    assert F.local_conv(jnp.array([[[3], [4], [5]]]), kernel)[0, :, 0].tolist() == [11, 140]
    assert F.local_conv(jnp.array([[[3], [4], [5]]]), kernel, jnp.array([[1], [2]]))[0, :, 0].tolist() == [12, 142]


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_types_of_more_than_a_few_products(dtype):
    # Whole numbers that float32 adds up exactly: only the result is rounded.
    x, kernel = RNG.integers(-4, 5, (3, 7, 2)), RNG.integers(-4, 5, (5, 3, 2, 16))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, 1)  # (3, 5, in, window)
    expected = jnp.asarray(np.einsum("bnct,ntco->bno", windows, kernel), dtype)
    run = jax.jit(lambda *arrays: jax.vjp(F.local_conv, *arrays))
    y, back = run(jnp.asarray(x, dtype), jnp.asarray(kernel, dtype))
    assert y.dtype == dtype
    assert y.tolist() == expected.tolist()
    to_kernel = np.einsum("bnct,bno->ntco", windows, np.asarray(expected, np.float64))
    np.testing.assert_allclose(np.asarray(back(y)[1], np.float64), to_kernel, rtol=float(jnp.finfo(dtype).eps))


def test_refuses():
    x = jnp.ones((1, 3, 1))
    with pytest.raises(ValueError, match=r"\(\*out, \*window, in_channels, out_channels\), here \(2, 2, 1, 1\)"):
        F.local_conv(x, jnp.ones((3, 2, 1, 1)))
    with pytest.raises(ValueError, match=r"bias must have shape \(1,\) or \(2, 1\); got \(2,\)"):
        F.local_conv(x, jnp.ones((2, 2, 1, 1)), jnp.ones(2))
