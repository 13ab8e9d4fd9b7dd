"""nn.ConvTranspose: its function with parameters of its own, and a shape that a call may ask for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn

ONES = nnx.initializers.ones  # the quickest to compile


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "x", "y", "parameters"),
    [
        # (4 − 1) · 2 + 3 = 9; 9 · 3 · 2 + 3 parameters
        ((2, 3, 3), {"strides": 2}, (1, 4, 4, 2), (1, 9, 9, 3), 57),
        ((2, 3, 3), {"strides": 2, "padding": "same"}, (4, 4, 2), (8, 8, 3), 57),
        ((2, 3, 3), {"strides": 2, "padding": 1, "output_padding": 1}, (1, 4, 5, 2), (1, 8, 10, 3), 57),
        ((4, 6, 3), {"groups": 2, "use_bias": False}, (1, 4, 4, 4), (1, 6, 6, 6), 9 * 3 * 4),
        ((2, 3, (2, 1)), {"data_format": "channels_first"}, (1, 2, 4, 4), (1, 3, 5, 4), 15),
        ((2, 3, 2), {"spatial_dims": 1, "strides": 3, "kernel_dilation": 2}, (1, 4, 2), (1, 12, 3), 15),
    ],
)
def test_shapes_and_parameters(arguments, options, x, y, parameters):
    layer = nnx.eval_shape(lambda: nn.ConvTranspose(*arguments, **options, rngs=nnx.Rngs(0)))
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))) == parameters
    assert jax.eval_shape(lambda layer, x: layer(x), layer, jax.ShapeDtypeStruct(x, jnp.float32)).shape == y


def test_is_its_function():
    options = {"strides": (2, 1), "padding": ((1, 0), (0, 1)), "output_padding": (1, 0), "groups": 2}
    layer, x = nn.ConvTranspose(4, 6, 3, **options, kernel_init=ONES, rngs=nnx.Rngs(0)), whole(2, 3, 4, 4)
    layer.kernel[...] = whole(*layer.kernel.shape)
    layer.bias[...] = jnp.arange(6.0)
    y, expected = jax.jit(lambda layer: (layer(x), F.conv_transpose(x, layer.kernel[...], layer.bias[...], **options)))(
        layer
    )
    np.testing.assert_array_equal(y, expected)


def test_a_call_chooses_among_the_shapes_that_a_convolution_maps_here():
    # Heights 7 and 8 both become 4 under a convolution of window 3, stride 2, padding 1.
    layer, x = nn.ConvTranspose(2, 3, 3, strides=2, padding=1, rngs=nnx.Rngs(0)), whole(1, 4, 4, 2)
    plain, taller = jax.jit(lambda layer: (layer(x), layer(x, output_shape=(8, 7))))(layer)
    assert plain.shape == (1, 7, 7, 3)
    assert taller.shape == (1, 8, 7, 3)
    np.testing.assert_allclose(taller[:, :7], plain, rtol=1e-5, atol=1e-6)
    for shape in ((9, 7), (6, 7)):
        with pytest.raises(ValueError, match=r"^output_shape must lie between \(7, 7\) and \(8, 8\)"):
            layer(x, output_shape=shape)
    fixed = nn.ConvTranspose(2, 3, 3, strides=2, padding=1, output_padding=1, rngs=nnx.Rngs(0))
    assert jax.eval_shape(lambda x: fixed(x, output_shape=(8, 8)), x).shape == (1, 8, 8, 3)
    with pytest.raises(ValueError, match=r"^output_padding and output_shape must agree"):
        fixed(x, output_shape=(7, 7))


def test_glorots_fans_are_those_of_the_transposed_layout():
    fan_in = nnx.initializers.variance_scaling(1.0, "fan_in", "uniform", in_axis=-1, out_axis=-2)

    def kernel(key, **options):
        return nn.ConvTranspose(8, 4, 5, use_bias=False, **options, rngs=nnx.Rngs(key)).kernel[...]

    draw = jax.jit(lambda key: (kernel(key), kernel(key, kernel_init=fan_in)))
    bounds = (6 / (25 * 8 + 25 * 4)) ** 0.5, (3 / (25 * 8)) ** 0.5
    for drawn, bound in zip(draw(jax.random.key(0)), bounds, strict=True):
        assert 0.9 * bound < np.abs(drawn).max() <= bound


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 0}, r"^kernel_size must be"),
        ({"in_features": 0}, r"^in_features must be an integer of at least 1, got 0$"),
        ({"out_features": True}, r"^out_features must be an integer of at least 1, got True$"),
        ({"strides": 0}, r"^strides must be"),
        ({"padding": "HALF"}, r"^padding must be one of"),
        ({"output_padding": -1}, r"^output_padding must be an integer >= 0"),
        (
            {"output_padding": 1},
            r"^output_padding must be below max\(stride, dilation\), at most \(0, 0\); got \(1, 1\)$",
        ),
        ({"output_padding": 1, "padding": 5}, r"^output_padding must be below max"),
        ({"output_padding": (1, 3), "strides": (2, 3), "padding": "FULL"}, r"^output_padding must be below max"),
        ({"kernel_dilation": 0}, r"^kernel_dilation must be"),
        ({"groups": 4}, r"^groups must divide in_features and out_features; got 4 with 4 and 6$"),
        ({"precision": "exact"}, r"^precision must be None"),
        ({"data_format": "NHWC"}, r"^data_format must be one of"),
        ({"use_bias": 1}, r"^use_bias must be True or False, got 1$"),
        ({"dtype": "int32"}, r"^dtype must be a floating or complex dtype"),
        ({"param_dtype": "int8"}, r"^param_dtype must be a floating or complex dtype, got 'int8'$"),
    ],
)
def test_the_constructor_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        nn.ConvTranspose(**({"in_features": 4, "out_features": 6, "kernel_size": 3} | options), rngs=nnx.Rngs(0))
