"""nn.Conv: its parameters, Flax's own layer with the same kernel, and a module as a pytree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn


def whole(*shape, dtype=jnp.float32):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), dtype)


@pytest.mark.parametrize(
    ("arguments", "options", "x", "y", "parameters"),
    [
        # Parameters of the lectures' summaries: 320, 18,496, 73,856, 78, 456.
        ((1, 32, 3), {}, (2, 28, 28, 1), (2, 26, 26, 32), 320),
        ((32, 64, 3), {}, (2, 13, 13, 32), (2, 11, 11, 64), 18_496),
        ((64, 128, (3, 3)), {}, (2, 5, 5, 64), (2, 3, 3, 128), 73_856),
        ((1, 3, 5), {}, (28, 28, 1), (24, 24, 3), 78),
        ((3, 6, 5), {}, (1, 12, 12, 3), (1, 8, 8, 6), 456),
        ((4, 6, [3, 1]), {"groups": 2, "use_bias": False, "padding": "same"}, (1, 4, 5, 4), (1, 4, 5, 6), 36),
        ((2, 3, 4), {"spatial_dims": 1, "padding": "causal", "kernel_dilation": 2}, (1, 9, 2), (1, 9, 3), 27),
        ((2, 3, (2, 2, 2)), {"strides": 2, "data_format": "channels_first"}, (1, 2, 4, 5, 6), (1, 3, 2, 2, 3), 51),
        ((2, 3, 2), {"input_dilation": 2, "padding": ((1, 0), (0, 2))}, (1, 3, 3, 2), (1, 5, 6, 3), 27),
        ((2, 3, 3), {"padding": 1, "padding_mode": "circular"}, (1, 3, 4, 2), (1, 3, 4, 3), 57),
    ],
)
def test_shapes_and_parameters(arguments, options, x, y, parameters):
    layer = nnx.eval_shape(lambda: nn.Conv(*arguments, **options, rngs=nnx.Rngs(0)))
    graphdef, state = nnx.split(layer)
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))) == parameters
    images = jax.ShapeDtypeStruct(x, jnp.float32)
    assert jax.eval_shape(lambda state, x: nnx.merge(graphdef, state)(x), state, images).shape == y


@pytest.mark.parametrize(
    ("ours", "flaxs"),
    [
        ({}, {"padding": "VALID"}),
        ({"strides": (2, 1), "padding": "SAME", "use_bias": False}, {"strides": (2, 1), "use_bias": False}),
        ({"groups": 2, "padding": 1}, {"feature_group_count": 2, "padding": 1}),
        ({"kernel_dilation": 2, "padding": ((1, 2), (0, 1))}, {"kernel_dilation": 2, "padding": ((1, 2), (0, 1))}),
        ({"padding": 1, "padding_mode": "circular"}, {"padding": "CIRCULAR"}),
        ({"padding": 1, "padding_mode": "reflect"}, {"padding": "REFLECT"}),
    ],
)
def test_flaxs_layer_with_the_same_kernel(ours, flaxs):
    options = {"kernel_init": nnx.initializers.ones, "rngs": nnx.Rngs(0)}  # the quickest to compile
    flax_layer, layer = nnx.Conv(4, 6, (3, 3), **flaxs, **options), nn.Conv(4, 6, 3, **ours, **options)
    draw = np.random.default_rng(0).standard_normal
    flax_layer.kernel[...] = layer.kernel[...] = draw(layer.kernel.shape, np.float32)
    if layer.bias is not None:
        flax_layer.bias[...] = layer.bias[...] = draw(6, np.float32)
    x = draw((2, 5, 6, 4), np.float32)
    y, expected = jax.jit(lambda x: (layer(x), flax_layer(x)))(x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("x_dtype", ["uint8", "float16", "bfloat16", "float32"])
@pytest.mark.parametrize("dtype", [None, "bfloat16", "float32"])
@pytest.mark.parametrize("param_dtype", ["float32", "bfloat16"])
def test_dtypes_are_flaxs(x_dtype, dtype, param_dtype):
    x, options = jnp.ones((1, 3, 3, 2), x_dtype), {"dtype": dtype, "param_dtype": param_dtype}
    ours, flaxs = (
        jax.eval_shape(lambda layer=layer: layer(2, 3, (2, 2), **options, rngs=nnx.Rngs(0))(x))
        for layer in (nn.Conv, nnx.Conv)
    )
    assert ours.dtype == flaxs.dtype


def test_initial_values():
    @jax.jit
    def drawn(key):
        ones = {"kernel_init": nnx.initializers.ones, "bias_init": nnx.initializers.ones}
        layer, plain = nn.Conv(3, 8, 5, rngs=nnx.Rngs(key)), nn.Conv(1, 2, 2, **ones, rngs=nnx.Rngs(key))
        return layer.kernel[...], layer.bias[...], plain(jnp.ones((1, 2, 2, 1)))

    (kernel, bias, y), (other, _, _) = (map(np.asarray, drawn(jax.random.key(seed))) for seed in (0, 1))
    bound = (6 / (25 * 3 + 25 * 8)) ** 0.5
    assert 0.9 * bound < np.abs(kernel).max() <= bound
    assert not bias.any()
    assert kernel.dtype == bias.dtype == np.float32
    assert (other != kernel).any()
    np.testing.assert_array_equal(y, np.full((1, 1, 1, 2), 5))


def test_a_module_is_a_pytree():
    layer, x = nn.Conv(2, 3, 2, strides=2, rngs=nnx.Rngs(0)), whole(4, 5, 5, 2)
    np.testing.assert_array_equal(jax.jit(lambda layer, x: layer(x))(layer, x), layer(x))

    @jax.jit
    def transformed(layer, x):
        gradient = jax.grad(lambda layer: layer(x).sum())(layer)
        expected = jax.grad(lambda kernel: F.conv(x, kernel, strides=2).sum())(layer.kernel[...])
        both = jax.tree.map(lambda a, b: jnp.stack([a, b]), layer, gradient)
        return gradient, expected, jax.vmap(layer)(x), jax.vmap(lambda layer: layer(x))(both), gradient(x)

    gradient, expected, mapped, stacked, second = transformed(layer, x)
    assert isinstance(gradient, nn.Conv)
    np.testing.assert_allclose(gradient.kernel[...], expected, rtol=1e-6)
    np.testing.assert_array_equal(gradient.bias[...], np.full(3, 4 * 2 * 2))
    np.testing.assert_allclose(mapped, layer(x), rtol=1e-6)
    np.testing.assert_allclose(stacked[1], second, rtol=1e-5)


def test_split_and_merge():
    layer, x = nn.Conv(2, 3, 2, padding="SAME", use_bias=False, rngs=nnx.Rngs(0)), whole(1, 4, 4, 2)
    graphdef, state = nnx.split(layer)
    hash(graphdef)
    np.testing.assert_array_equal(nnx.merge(graphdef, state)(x), layer(x))
    assert nnx.split(nn.Conv(2, 3, 2, padding="same", use_bias=False, rngs=nnx.Rngs(1)))[0] == graphdef


def test_beside_flaxs_layers():
    @nnx.jit
    def build():
        rngs = nnx.Rngs(0)
        return nnx.Sequential(
            nn.Conv(1, 4, 3, padding="SAME", rngs=rngs),
            nnx.BatchNorm(4, rngs=rngs),
            nnx.relu,
            nn.MaxPool(2),
            nnx.Dropout(0.5, rngs=rngs),
            nn.Flatten(),
            nnx.Linear(4 * 3 * 3, 2, rngs=rngs),
        )

    model, x, run = build(), whole(5, 7, 7, 1), nnx.jit(lambda model, x: model(x))
    gradient = nnx.jit(nnx.grad(lambda model: (model(x) ** 2).sum()))(model)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient["layers"][0]["kernel"]))
    model.eval()
    y = run(model, x)
    assert y.shape == (5, 2)
    np.testing.assert_array_equal(run(model, x), y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": 0}, r"^kernel_size must be an integer >= 1 or 2 of them, .*; got 0$"),
        ({"kernel_size": (3, 2.0)}, r"^kernel_size must be an integer >= 1 or 2"),
        ({"kernel_size": ()}, r"^kernel_size must have 1 to 3 spatial dimensions, got 0"),
        ({"spatial_dims": 4}, r"^kernel_size must have 1 to 3 spatial dimensions, got 4"),
        ({"spatial_dims": 0}, r"^spatial_dims must be an integer of at least 1, got 0$"),
        ({"in_features": 0}, r"^in_features must be an integer of at least 1, got 0$"),
        ({"out_features": 2.5}, r"^out_features must be an integer of at least 1, got 2\.5$"),
        ({"strides": 0}, r"^strides must be"),
        ({"strides": (1, 2, 3)}, r"^strides must be .*, which has 3$"),
        ({"padding": "HALF"}, r"^padding must be one of"),
        ({"padding": "CAUSAL"}, r"^padding must be one of"),
        ({"padding": -1}, r"^padding must be one of"),
        ({"padding_mode": "wrap"}, r"^padding_mode must be one of zeros, reflect, replicate, circular; got 'wrap'$"),
        ({"input_dilation": 0}, r"^input_dilation must be"),
        ({"kernel_dilation": "2"}, r"^kernel_dilation must be"),
        ({"padding": "SAME", "input_dilation": 2}, r"^padding must be VALID, integers or pairs"),
        ({"padding": 1, "padding_mode": "reflect", "input_dilation": 2}, r"^padding_mode must be \"zeros\""),
        ({"groups": 0}, r"^groups must be an integer of at least 1, got 0$"),
        ({"groups": 3}, r"^groups must divide in_features and out_features; got 3 with 4 and 6$"),
        ({"precision": "exact"}, r"^precision must be None"),
        ({"data_format": "NHWC"}, r"^data_format must be one of channels_last, channels_first; got 'NHWC'$"),
        ({"use_bias": "no"}, r"^use_bias must be True or False, got 'no'$"),
        ({"dtype": jnp.int32}, r"^dtype must be a floating or complex dtype, got"),
        ({"param_dtype": "int8"}, r"^param_dtype must be a floating or complex dtype, got 'int8'$"),
        ({"dtype": "half-ish"}, r"^dtype must be a floating or complex dtype, got 'half-ish'$"),
    ],
)
def test_the_constructor_refuses(options, message):
    options = {"in_features": 4, "out_features": 6, "kernel_size": 3} | options
    with pytest.raises(ValueError, match=message):
        nn.Conv(**options, rngs=nnx.Rngs(0))


def test_an_initializer_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"^an initializer must return the shape .*, \(3, 3, 4, 6\); got \(1,\)$"):
        nn.Conv(4, 6, 3, kernel_init=lambda key, shape, dtype: jnp.zeros(1, dtype), rngs=nnx.Rngs(0))


def test_the_call_refuses():
    layer = nn.Conv(4, 6, 3, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    for shape, message in (
        ((1, 5, 5, 3), "^kernel must have"),
        ((1, 2, 5, 4), "^window must fit"),
        ((5, 4), "^x must"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(jnp.zeros(shape))
