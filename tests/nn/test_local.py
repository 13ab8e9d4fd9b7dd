"""nn.LocalConv: its function with kernels and biases for every place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


def test_parameters_are_those_that_keras_documents():
    # LocallyConnected2D(64, (3, 3), input_shape=(32, 32, 3)): (30·30)·(3·3·3·64) + (30·30)·64 parameters.
    layer = nnx.eval_shape(lambda: nn.LocalConv(3, 64, 3, input_shape=32, rngs=nnx.Rngs(0)))
    assert layer.output_shape == (30, 30)
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))) == 1_555_200 + 57_600


@pytest.mark.parametrize(
    ("options", "x"),
    [
        ({"input_shape": (5, 6), "strides": (2, 1), "padding": "same"}, (2, 5, 6, 3)),
        ({"input_shape": (6, 5), "kernel_dilation": 2, "padding": 1, "data_format": "channels_first"}, (3, 6, 5)),
        ({"input_shape": 5, "spatial_dims": 1, "use_bias": False}, (1, 5, 3)),
    ],
)
def test_is_its_function(options, x):
    ones = nnx.initializers.ones  # the quickest to compile
    layer, x = nn.LocalConv(3, 2, 3, **options, kernel_init=ones, rngs=nnx.Rngs(0)), whole(*x)
    layer.kernel[...] = whole(*layer.kernel.shape)
    names = ("strides", "padding", "kernel_dilation", "data_format")
    bias = None
    if layer.bias is not None:
        layer.bias[...] = bias = whole(*layer.output_shape, 2)
    options = {name: options[name] for name in names if name in options}
    np.testing.assert_array_equal(
        *jax.jit(lambda x: (layer(x), F.local_conv(x, layer.kernel[...], bias, **options)))(x)
    )


@pytest.mark.slow
def test_every_place_starts_as_a_convolution_of_its_window():
    draw = jax.jit(lambda key: nn.LocalConv(4, 8, 3, input_shape=6, rngs=nnx.Rngs(key)).kernel[...])
    bound = (6 / (9 * 4 + 9 * 8)) ** 0.5
    kernel = np.asarray(draw(jax.random.key(0)))
    largest = np.abs(kernel).max((2, 3, 4, 5))
    assert ((0.9 * bound < largest) & (largest <= bound)).all()
    assert len(np.unique(kernel.reshape(16, -1)[:, 0])) == 16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (5, 5, 3)}, r"^input_shape must be an integer >= 1 or 2 of them, .*, which has 3$"),
        ({"input_shape": None}, r"^input_shape must be an integer >= 1 or 2 of them, .*; got None$"),
        ({"input_shape": 2}, r"^window must fit into the padded input"),
        ({"kernel_size": 0}, r"^kernel_size must be"),
        ({"in_features": 0}, r"^in_features must be"),
        ({"out_features": 0}, r"^out_features must be"),
        ({"strides": 0}, r"^strides must be"),
        ({"padding": "HALF"}, r"^padding must be one of"),
        ({"kernel_dilation": 0}, r"^kernel_dilation must be"),
        ({"precision": "exact"}, r"^precision must be None"),
        ({"data_format": 1}, r"^data_format must be one of"),
        ({"use_bias": 0}, r"^use_bias must be True or False, got 0$"),
        ({"dtype": "int32"}, r"^dtype must be a floating or complex dtype"),
        ({"param_dtype": int}, r"^param_dtype must be a floating or complex dtype"),
    ],
)
def test_the_constructor_refuses(options, message):
    options = {"in_features": 2, "out_features": 3, "kernel_size": 3, "input_shape": 5} | options
    with pytest.raises(ValueError, match=message):
        nn.LocalConv(**options, rngs=nnx.Rngs(0))


def test_the_call_refuses_another_image():
    layer = nnx.eval_shape(lambda: nn.LocalConv(2, 3, 2, input_shape=(3, 4), rngs=nnx.Rngs(0)))

    def call(x):
        return jax.eval_shape(lambda layer, x: layer(x), layer, x)

    with pytest.raises(ValueError, match=r"^x must have the spatial shape \(3, 4\) .*; got \(4, 3\)"):
        call(jnp.ones((1, 4, 3, 2)))
    with pytest.raises(ValueError, match=r"^kernel must have shape"):
        call(jnp.ones((1, 3, 4, 1)))
