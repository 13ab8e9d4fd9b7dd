"""What PyTorch returned (`make_torch.py`): values, shapes, indices and gradients, in its own words and layouts."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import interop, nn

LIBRARY = "torch"
FIRST = "channels_first"
WORDS = {"stride": "strides", "kernel_size": "window", "norm_type": "p"}
CONV_WORDS = {"stride": "strides", "dilation": "kernel_dilation"}


def ours(options, words):
    return {words.get(name, name): value for name, value in options.items()}


def conv(x, kernel, bias=None, **options):
    return F.conv(x, interop.from_torch(kernel, F.conv), bias, data_format=FIRST, **ours(options, CONV_WORDS))


def conv_transpose(x, kernel, bias=None, **options):
    kernel = interop.from_torch(kernel, F.conv_transpose)
    return F.conv_transpose(x, kernel, bias, data_format=FIRST, **ours(options, CONV_WORDS))


def windowed(x, options):
    """Our options of a pool; N ints, so that a number of PyTorch's stays one for every dimension."""
    return ours(options, WORDS) | {"window": np.broadcast_to(options["kernel_size"], x.ndim - 2).tolist()}


def max_pool(x, *, return_indices=False, **options):
    function = F.max_pool_with_argmax if return_indices else F.max_pool
    return function(x, data_format=FIRST, **windowed(x, options))


def avg_pool(x, *, count_include_pad=True, **options):
    return F.avg_pool(x, count_include_pad=count_include_pad, data_format=FIRST, **windowed(x, options))


def lp_pool(x, **options):
    return F.lp_pool(x, data_format=FIRST, **windowed(x, options))


def adaptive_avg_pool(x, *, output_size):
    return F.adaptive_avg_pool(x, output_size, data_format=FIRST)


def adaptive_max_pool(x, *, output_size):
    return F.adaptive_max_pool(x, output_size, data_format=FIRST)


def max_unpool(values, indices, *, kernel_size, output_size):
    """PyTorch checks its window against the size, and uses it for nothing else."""
    return F.max_unpool(values, indices.astype(jnp.int32), output_shape=output_size, data_format=FIRST)


def unfold(x, **options):
    """PyTorch's rows are (channels · taps, cells)."""
    batch, channels = x.shape[:2]
    rows = F.extract_patches(x, data_format=FIRST, **windowed(x, options))
    taps = rows.shape[1] // channels
    return jnp.swapaxes(rows.reshape(batch, taps, channels, -1), 1, 2).reshape(batch, channels * taps, -1)


def fold(x, *, output_size, **options):
    taps = int(np.prod(options["kernel_size"]))
    empty = jax.ShapeDtypeStruct((1, 1, *output_size), x.dtype)
    window = windowed(empty, options)
    cells = jax.eval_shape(lambda x: F.extract_patches(x, data_format=FIRST, **window), empty).shape[2:]
    rows = jnp.swapaxes(x.reshape(x.shape[0], -1, taps, x.shape[-1]), 1, 2)
    rows = rows.reshape(x.shape[0], -1, *cells)
    return F.fold_patches(rows, output_shape=output_size, data_format=FIRST, **window)


def local_response_norm(x, *, size, alpha, beta, k):
    """PyTorch's alpha is shared among the `size` channels."""
    return F.local_response_norm(x, size=size, alpha=alpha / size, beta=beta, k=k, data_format=FIRST)


def with_kernel(layer, kernel, **options):
    """A layer of ours without a bias, with PyTorch's kernel."""
    layer.kernel = nnx.Param(interop.from_torch(kernel, type(layer), **options))
    return layer


def model(x, conv, scale, shift, depthwise, transpose, linear, bias, *, mean, var):
    """The layers of ours, and Flax's, that make the same network with channels last."""
    plain = {"use_bias": False, "rngs": nnx.Rngs(0)}
    norm = nnx.BatchNorm(4, use_running_average=True, rngs=nnx.Rngs(0))
    norm.scale, norm.bias = nnx.Param(scale), nnx.Param(shift)
    norm.mean, norm.var = nnx.BatchStat(jnp.asarray(mean)), nnx.BatchStat(jnp.asarray(var))
    dense = with_kernel(nnx.Linear(30, 3, rngs=nnx.Rngs(0)), linear, flattened=(2, 5, 3))
    dense.bias = nnx.Param(bias)
    network = nnx.Sequential(
        with_kernel(nn.Conv(3, 4, 3, padding=1, **plain), conv),
        norm,
        nnx.relu,
        with_kernel(nn.DepthwiseConv(4, (2, 3), multiplier=2, **plain), depthwise, groups=4),
        with_kernel(nn.ConvTranspose(8, 2, 2, strides=2, **plain), transpose),
        nn.MaxPool(2),
        nn.Flatten(),
        dense,
    )
    return network(jnp.moveaxis(x, 1, -1))


FUNCTIONS = {
    function.__name__: function
    for function in (
        *(conv, conv_transpose, max_pool, avg_pool, lp_pool, adaptive_avg_pool, adaptive_max_pool),
        *(max_unpool, unfold, fold, local_response_norm, model),
    )
}


def test_equals_torch(golden):
    """`conv2d` and the layers `Conv` are all our one `conv`: N is the arrays'."""
    name = golden.operation.lower()
    golden.check(FUNCTIONS[name[:-2] if name[-2:] in ("1d", "2d", "3d") else name])
