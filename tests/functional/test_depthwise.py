"""Depthwise and separable convolutions equal channel-by-channel convolutions."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F

RNG = np.random.default_rng(0)
X, KERNEL = RNG.standard_normal((2, 5, 6, 3), np.float32), RNG.standard_normal((3, 2, 3, 2), np.float32)
POINTWISE = RNG.standard_normal((1, 1, 6, 4), np.float32)


@pytest.mark.parametrize("options", [{}, {"strides": 2, "padding": "SAME"}, {"kernel_dilation": 2}])
def test_each_channel_apart(options):
    apart = [F.conv(X[..., c : c + 1], KERNEL[:, :, c : c + 1], **options) for c in range(3)]
    np.testing.assert_allclose(F.depthwise_conv(X, KERNEL, **options), jnp.concatenate(apart, -1), atol=1e-5)


def test_separable_is_depthwise_then_pointwise():
    bias = jnp.arange(4.0)
    expected = F.conv(F.depthwise_conv(X, KERNEL, padding="SAME"), POINTWISE, bias)
    np.testing.assert_allclose(F.separable_conv(X, KERNEL, POINTWISE, bias, padding="SAME"), expected, atol=1e-5)
    first = F.separable_conv(
        np.moveaxis(X, -1, 1), KERNEL, POINTWISE, bias, padding="SAME", data_format="channels_first"
    )
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), expected, atol=1e-5)


def test_refuses():
    with pytest.raises(ValueError, match="its channels those of x, 3"):
        F.depthwise_conv(X, KERNEL[:, :, :2])
    with pytest.raises(ValueError, match=r"pointwise_kernel must have shape \(1, 1, 6, 'out_channels'\)"):
        F.separable_conv(X, KERNEL, POINTWISE[:, :, :5])
