"""What `tf.nn` and `tf.image` returned (`make_tensorflow.py`): values, shapes, indices and gradients, in its words."""

import jax.numpy as jnp

import jaxcnn.functional as F

LIBRARY = "tensorflow"


def inner(sizes):
    """The spatial ones of a batch's, N and a channel's sizes."""
    return sizes[1:-1] if isinstance(sizes, list) and len(sizes) == 4 else sizes


def conv2d(x, kernel, *, strides, padding):
    return F.conv(x, kernel, strides=strides, padding=inner(padding))


def depthwise_conv2d(x, kernel, *, strides, padding):
    return F.depthwise_conv(x, kernel, strides=inner(strides), padding=padding)


def conv2d_transpose(x, kernel, *, output_shape, strides, padding):
    return F.conv_transpose(x, kernel, output_shape=inner(output_shape), strides=strides, padding=padding)


def extract_patches(images, *, sizes, strides, rates, padding):
    return F.extract_patches(images, inner(sizes), strides=inner(strides), dilation=inner(rates), padding=padding)


def max_pool2d(x, *, ksize, strides, padding):
    return F.max_pool(x, ksize, strides=strides, padding=padding)


def avg_pool2d(x, *, ksize, strides, padding):
    return F.avg_pool(x, ksize, strides=strides, padding=padding)


def max_pool_with_argmax(x, *, ksize, strides, padding):
    """TensorFlow counts (row · width + column) · channels + channel, and this library pixels alone."""
    values, pixels = F.max_pool_with_argmax(x, ksize, strides=strides, padding=padding)
    return values, pixels * x.shape[-1] + jnp.arange(x.shape[-1], dtype=pixels.dtype).reshape(1, 1, 1, -1)


def local_response_normalization(x, *, depth_radius, bias, alpha, beta):
    return F.local_response_norm(x, size=2 * depth_radius + 1, alpha=alpha, beta=beta, k=bias)


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(conv2d, depthwise_conv2d, conv2d_transpose, extract_patches),
        *(max_pool2d, avg_pool2d, max_pool_with_argmax, local_response_normalization),
    )
}


def test_equals_tensorflow(golden):
    golden.check(FUNCTIONS[golden.operation])
