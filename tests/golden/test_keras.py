"""What Keras's layers returned (`make_keras.py`): values, shapes and gradients, in its own words."""

import numpy as np
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import geometry, interop

LIBRARY = "keras"
WORDS = {"dilation_rate": "kernel_dilation", "pool_size": "window"}
SIZES = ("filters", "kernel_size", "depth_multiplier", "use_bias", "units")  # The kernel's shape tells them.


def ours(options):
    return {WORDS.get(name, name): value for name, value in options.items() if name not in SIZES}


def conv(x, kernel, bias=None, **options):
    return F.conv(x, interop.from_keras(kernel, F.conv), bias, **ours(options))


def conv_transpose(x, kernel, bias, *, strides=1, padding="valid", **options):
    """With VALID and a window smaller than the stride, Keras gives i·s cells, as this output padding does."""
    strides = np.broadcast_to(strides, x.ndim - 2).tolist()
    extra = [max(s - k, 0) if padding == "valid" else 0 for s, k in zip(strides, kernel.shape, strict=False)]
    kernel = interop.from_keras(kernel, F.conv_transpose)
    return F.conv_transpose(x, kernel, bias, strides=strides, padding=padding, output_padding=extra, **ours(options))


def depthwise(x, kernel, bias, **options):
    return F.depthwise_conv(x, interop.from_keras(kernel, F.depthwise_conv), bias, **ours(options))


def separable(x, depthwise_kernel, pointwise_kernel, bias, **options):
    kernels = interop.from_keras((depthwise_kernel, pointwise_kernel), F.separable_conv)
    return F.separable_conv(x, *kernels, bias, **ours(options))


def local(x, kernel, bias, *, kernel_size, strides, filters):
    window = np.broadcast_to(kernel_size, x.ndim - 2).tolist()
    out = geometry.conv_output_shape(x.shape[1:-1], window, strides=strides)
    kernel = interop.from_keras(kernel, F.local_conv, output_shape=out, kernel_size=window)
    return F.local_conv(x, kernel, bias, strides=strides)


def max_pool(x, **options):
    return F.max_pool(x, **ours(options))


def avg_pool(x, **options):
    return F.avg_pool(x, **ours(options))


def dense(x, kernel, bias, *, units):
    return x @ interop.from_keras(kernel, nnx.Linear) + bias[None]


FUNCTIONS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DepthwiseConv": depthwise,
    "SeparableConv": separable,
    "LocallyConnected": local,
    "MaxPooling": max_pool,
    "AveragePooling": avg_pool,
    "GlobalMaxPooling": F.global_max_pool,
    "GlobalAveragePooling": F.global_avg_pool,
    "Dense": dense,
}


def test_equals_keras(golden):
    """`Conv2DTranspose` and its like are one function of ours: N is the arrays'."""
    layer = golden.operation
    for dims in ("1D", "2D", "3D"):
        layer = layer.replace(dims, "")
    golden.check(FUNCTIONS[layer])
