"""Kernels of other libraries: hand values, round trips, what is refused. That outputs agree: tests/golden."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import interop, nn

RNG = np.random.default_rng(0)


def kernel(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


TORCH = [
    (nn.Conv, (6, 2, 3), (3, 2, 6), {"groups": 2}),
    (F.conv, (6, 4, 3, 5), (3, 5, 4, 6), {}),
    (nnx.Conv, (6, 4, 2, 3, 5), (2, 3, 5, 4, 6), {}),
    (nn.ConvTranspose, (6, 4, 3, 5), (3, 5, 4, 6), {"groups": 3}),
    (F.conv_transpose, (6, 4, 3), (3, 4, 6), {}),
    (nn.DepthwiseConv, (6, 1, 3, 5), (3, 5, 2, 3), {"groups": 2}),
    (F.depthwise_conv, (6, 1, 3), (3, 6, 1), {"groups": 6}),
    (nnx.Linear, (4, 6), (6, 4), {}),
]


@pytest.mark.parametrize(("layer", "theirs", "ours", "options"), TORCH)
def test_torch_there_and_back(layer, theirs, ours, options):
    weight = kernel(*theirs)
    converted = interop.from_torch(weight, layer, **options)
    assert converted.shape == ours
    np.testing.assert_array_equal(interop.to_torch(converted, layer), weight)
    traced = jax.jit(lambda w: interop.from_torch(w, layer, **options))(weight)
    np.testing.assert_array_equal(traced, converted)


def test_torch_axes_keep_their_meaning():
    """Torch's (out, in, row, column) entry stands here at (row, column, in, out)."""
    weight = kernel(4, 3, 2, 5)
    converted = interop.from_torch(weight, nn.Conv)
    assert converted[1, 4, 2, 3] == weight[3, 2, 1, 4]
    depthwise = kernel(6, 1, 2)
    # Channel c's multiplier m is torch's output channel c · multiplier + m.
    assert interop.from_torch(depthwise, nn.DepthwiseConv, groups=2)[1, 1, 2] == depthwise[1 * 3 + 2, 0, 1]


def test_separable_kernels_are_a_pair():
    depthwise, pointwise = kernel(6, 1, 3, 2), kernel(5, 6, 1, 1)
    pair = interop.from_torch((depthwise, pointwise), nn.SeparableConv, groups=3)
    assert [k.shape for k in pair] == [(3, 2, 3, 2), (1, 1, 6, 5)]
    back = interop.to_torch(pair, F.separable_conv)
    np.testing.assert_array_equal(back[0], depthwise)
    np.testing.assert_array_equal(back[1], pointwise)
    keras = interop.from_keras(interop.to_keras(pair, nn.SeparableConv), nn.SeparableConv)
    np.testing.assert_array_equal(keras[0], pair[0])


def test_linear_behind_flattened_maps():
    """Torch flattens (channels, rows, columns), this library (rows, columns, channels): the same product."""
    maps, weight = kernel(2, 3, 4, 5), kernel(7, 60)
    rows = interop.from_torch(weight, nnx.Linear, flattened=(3, 4, 5))
    ours = nn.Flatten()(np.moveaxis(maps, 1, -1)) @ rows
    np.testing.assert_allclose(ours, maps.reshape(2, 60) @ weight.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(interop.to_torch(rows, nnx.Linear, flattened=(3, 4, 5)), weight)


KERAS = [
    (nn.Conv, (3, 2, 4, 6)),
    (nn.ConvTranspose, (3, 6, 4)),
    (nn.DepthwiseConv, (3, 3, 4, 2)),
    (nnx.Linear, (6, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), KERAS)
def test_keras_kernels_are_ours(layer, shape):
    weight = kernel(*shape)
    np.testing.assert_array_equal(interop.from_keras(weight, layer), weight)
    np.testing.assert_array_equal(interop.to_keras(weight, layer), weight)


def test_locally_connected_kernels_are_unfolded():
    weight = kernel(15, 18, 2)
    converted = interop.from_keras(weight, nn.LocalConv, output_shape=(3, 5), kernel_size=(3, 2))
    assert converted.shape == (3, 5, 3, 2, 3, 2)
    # Place (2, 1), tap (1, 0), channel 2: row 2 · 5 + 1, column (1 · 2 + 0) · 3 + 2.
    np.testing.assert_array_equal(converted[2, 1, 1, 0, 2], weight[11, 8])
    np.testing.assert_array_equal(interop.to_keras(converted, F.local_conv), weight)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, jnp.bfloat16])
def test_dtypes_stay(dtype):
    weight = kernel(2, 3, 4, dtype=dtype)
    assert interop.from_torch(weight, nn.Conv).dtype == dtype
    assert interop.to_keras(weight, nn.Conv).dtype == dtype


def test_kinds_of_arrays():
    weight = kernel(2, 3, 4)
    assert isinstance(interop.from_torch(jnp.asarray(weight), nn.Conv), jax.Array)
    assert isinstance(interop.from_torch(weight, nn.Conv), np.ndarray)
    assert isinstance(interop.from_torch(weight.tolist(), nn.Conv), np.ndarray)
    layer = nn.Conv(2, 3, 2, rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(interop.to_keras(layer.kernel, nn.Conv), layer.kernel[...])


def test_memory_is_not_shared():
    """A tensor that trains on must not change our kernel."""
    weight = kernel(3, 2, 4, 6)
    for converted in (interop.from_keras(weight, nn.Conv), interop.from_torch(weight, nn.Conv)):
        assert not np.shares_memory(converted, weight)
        assert converted.flags["C_CONTIGUOUS"]


class Tensor:
    """Refuses NumPy as torch.Tensor does."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."),
        TypeError("Got unsupported ScalarType BFloat16"),
    ],
)
def test_unreadable_tensors_name_the_way_out(error):
    with pytest.raises(TypeError, match=r"got Tensor \(.*\.detach\(\).*\.cpu\(\).*\.float\(\)"):
        interop.from_torch(Tensor(error), nn.Conv)


W4, W2 = np.ones((6, 1, 3, 3), np.float32), np.ones((4, 6), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: interop.from_torch(W2, nn.Conv), r"Conv must have shape PyTorch's \(out_channels, in_channels"),
        (lambda: interop.to_torch(W2, F.conv), r"kernel of conv must have shape \(\*window, in_channels // groups"),
        (lambda: interop.from_torch(W4, nnx.Linear), r"Linear must have shape PyTorch's \(out_features, in_features\)"),
        (
            lambda: interop.from_keras(W2, nn.ConvTranspose),
            r"kernel of ConvTranspose must have shape \(\*window, out_ch",
        ),
        (lambda: interop.from_keras(W4, nn.LocalConv), r"LocalConv must have shape Keras's \(positions, window"),
        (lambda: interop.from_torch(W4, nn.LocalConv), "layer must be one that PyTorch has, got LocalConv"),
        (lambda: interop.to_torch(W4, F.local_conv), "layer must be one that PyTorch has, got local_conv"),
        (lambda: interop.from_torch(W4, "Conv"), "layer must be one of the classes nn.Conv, .* got 'Conv'"),
        (lambda: interop.from_torch(W4, nn.MaxPool), "layer must be one of the classes"),
        (lambda: interop.from_torch(W4, nn.DepthwiseConv), "groups must be the number of input channels"),
        (lambda: interop.from_torch(W4, nn.DepthwiseConv, groups=4), "groups must fit .* got 4 with shape"),
        (lambda: interop.from_torch(W4[:, [0, 0]], nn.DepthwiseConv, groups=6), "groups must fit the weight of"),
        (lambda: interop.from_torch(W2, nnx.Linear, groups=2), "groups must fit the weight of Linear"),
        (lambda: interop.from_torch(W4, nn.SeparableConv), "must be a pair"),
        (lambda: interop.from_torch(W2, nnx.Linear, flattened=(2, 2)), "flattened must have the product 6"),
        (lambda: interop.from_torch(W2, nnx.Linear, flattened=6), r"flattened must be the \(channels, \*spatial\)"),
        (lambda: interop.from_torch(W4, nn.Conv, flattened=(2, 3)), "before a Linear; got .* with Conv"),
        (lambda: interop.from_keras(W4, nn.Conv, kernel_size=3), "output_shape and kernel_size must be left out"),
        (lambda: interop.from_keras(W4[0], nn.LocalConv), "must be tuples of 1 to 3 ints"),
        (
            lambda: interop.from_keras(W4[0], nn.LocalConv, output_shape=(2,), kernel_size=(3,)),
            r"must fit Keras's .* here \(1, 3, 3\)",
        ),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_refuses_what_is_no_array_of_numbers():
    with pytest.raises(TypeError, match="must be an array of numbers, got str"):
        interop.from_torch("weights", nn.Conv)
