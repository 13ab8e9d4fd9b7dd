"""The table of forms: what a convolution becomes on the CPU."""

import jax
import jax.numpy as jnp
import pytest

import jaxcnn.functional as F

IMAGE, KERNEL = jnp.ones((2, 8, 8, 6)), jnp.ones((3, 3, 6, 4))


def stablehlo(function, *arrays):
    return jax.jit(function).lower(*arrays).as_text()


@pytest.mark.parametrize(
    ("operation", "convolutions", "products"),
    [
        (lambda x: F.conv(x, KERNEL), 1, 0),
        (lambda x: F.conv(x, KERNEL, padding="FULL"), 0, 1),
        (lambda x: F.conv_transpose(x, jnp.ones((4, 4, 4, 6)), strides=2), 0, 1),
        (lambda x: F.conv_transpose(x, jnp.ones((3, 3, 4, 6)), strides=2), 0, 4),
        (lambda x: F.depthwise_conv(x, jnp.ones((3, 3, 6, 2))), 0, 0),
        (lambda x: jax.grad(lambda k: F.conv(x, k).sum())(KERNEL), 0, 3),
        (lambda x: jax.grad(lambda k: F.conv_transpose(x, k, strides=2).sum())(jnp.ones((3, 3, 4, 6))), 0, 3),
        (lambda x: jax.grad(lambda k: F.conv(x, k, groups=2).sum())(jnp.ones((3, 3, 3, 4))), 0, 3),
        (lambda x: jax.grad(lambda k: F.depthwise_conv(x, k).sum())(jnp.ones((3, 3, 6, 1))), 0, 0),
    ],
)
def test_forms(operation, convolutions, products):
    text = stablehlo(operation, IMAGE)
    assert (text.count("stablehlo.convolution"), text.count("stablehlo.dot_general")) == (convolutions, products)


def test_a_window_of_a_whole_image_stays_a_convolution():
    # In our forms it would write out a slice a tap.
    x, kernel = jnp.ones((2, 14, 14, 1)), jnp.ones((12, 12, 1, 1))
    assert stablehlo(jax.grad(lambda k: F.conv(x, k).sum()), kernel).count("stablehlo.slice") < 10


def test_a_long_window_of_a_transposed_convolution_is_a_product_of_blocks():
    # 256 taps, 64 apart: four blocks a window, where single taps would be 256 slices.
    x, kernel = jnp.ones((1, 64, 8)), jnp.ones((256, 1, 8))
    text = stablehlo(jax.grad(lambda k: F.conv_transpose(x, k, strides=64).sum()), kernel)
    assert (text.count("stablehlo.convolution"), text.count("stablehlo.dot_general")) == (0, 1)
    assert text.count("stablehlo.slice") < 10
