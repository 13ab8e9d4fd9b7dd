"""nn.DepthwiseConv and nn.SeparableConv: their functions with parameters of their own."""

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


OPTIONS = {"strides": (2, 1), "padding": 1, "padding_mode": "circular", "kernel_dilation": (1, 2)}


@pytest.mark.parametrize(
    ("create", "x", "y", "parameters"),
    [
        # conv_dw_1 of MobileNet, and block2_sepconv1 and 2 of Xception, as Keras counts them: 288, 8,768, 17,536
        (lambda r: nn.DepthwiseConv(32, 3, padding="SAME", use_bias=False, rngs=r), (9, 9, 32), (9, 9, 32), 288),
        (lambda r: nn.SeparableConv(64, 128, 3, use_bias=False, rngs=r), (1, 9, 9, 64), (1, 7, 7, 128), 8_768),
        (lambda r: nn.SeparableConv(128, 128, 3, use_bias=False, rngs=r), (1, 9, 9, 128), (1, 7, 7, 128), 17_536),
        (lambda r: nn.DepthwiseConv(3, (2, 1), multiplier=2, rngs=r), (1, 4, 4, 3), (1, 3, 4, 6), 12 + 6),
        (lambda r: nn.DepthwiseConv(3, 2, spatial_dims=1, padding="causal", rngs=r), (1, 4, 3), (1, 4, 3), 9),
        (lambda r: nn.SeparableConv(3, 5, 2, multiplier=2, rngs=r), (4, 4, 3), (3, 3, 5), 24 + 30 + 5),
        (
            lambda r: nn.SeparableConv(3, 5, 2, data_format="channels_first", rngs=r),
            (1, 3, 4, 4),
            (1, 5, 3, 3),
            12 + 15 + 5,
        ),
    ],
)
def test_shapes_and_parameters(create, x, y, parameters):
    layer = nnx.eval_shape(lambda: create(nnx.Rngs(0)))
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))) == parameters
    assert jax.eval_shape(lambda layer, x: layer(x), layer, jax.ShapeDtypeStruct(x, jnp.float32)).shape == y


def test_are_their_functions():
    x = whole(2, 5, 6, 3)
    layer = nn.DepthwiseConv(3, 3, multiplier=2, **OPTIONS, kernel_init=ONES, rngs=nnx.Rngs(0))
    layer.kernel[...] = whole(*layer.kernel.shape)
    layer.bias[...] = jnp.arange(6.0)
    y, expected = jax.jit(lambda la: (la(x), F.depthwise_conv(x, la.kernel[...], la.bias[...], **OPTIONS)))(layer)
    np.testing.assert_array_equal(y, expected)
    inits = {"depthwise_kernel_init": ONES, "pointwise_kernel_init": ONES}
    layer = nn.SeparableConv(3, 4, 3, multiplier=2, **OPTIONS, **inits, rngs=nnx.Rngs(0))
    layer.bias[...] = jnp.arange(4.0)
    kernels = whole(*layer.depthwise_kernel.shape), whole(*layer.pointwise_kernel.shape)
    layer.depthwise_kernel[...], layer.pointwise_kernel[...] = kernels
    y, expected = jax.jit(lambda la: (la(x), F.separable_conv(x, *kernels, la.bias[...], **OPTIONS)))(layer)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)


def test_initial_values_are_kerass():
    def depthwise(key, **options):
        return nn.DepthwiseConv(64, 3, multiplier=2, **options, rngs=nnx.Rngs(key)).kernel[...]

    def separable(key):
        layer = nn.SeparableConv(64, 32, 3, rngs=nnx.Rngs(key))
        return layer.depthwise_kernel[...], layer.pointwise_kernel[...]

    # Keras counts fans of window · features and window · multiplier, whatever a cell sees; the initializer that the
    # docstring names counts the window alone.
    init = nnx.initializers.variance_scaling(1, "fan_avg", "uniform", in_axis=(), batch_axis=-2)
    draw = jax.jit(lambda key: (depthwise(key), *separable(key), depthwise(key, kernel_init=init)))
    for kernel, fans in zip(draw(jax.random.key(0)), (9 * 64 + 9 * 2, 9 * 64 + 9, 64 + 32, 9 + 9 * 2), strict=True):
        assert 0.9 * (6 / fans) ** 0.5 < np.abs(kernel).max() <= (6 / fans) ** 0.5


WRONG = [
    ({"kernel_size": 0}, r"^kernel_size must be"),
    ({"multiplier": 0}, r"^multiplier must be an integer of at least 1, got 0$"),
    ({"strides": (1, 2, 3)}, r"^strides must be .*, which has 3$"),
    ({"padding": "HALF"}, r"^padding must be one of"),
    ({"padding_mode": "wrap"}, r"^padding_mode must be one of"),
    ({"padding": "SAME", "input_dilation": 2}, r"^padding must be VALID, integers or pairs"),
    ({"kernel_dilation": 0}, r"^kernel_dilation must be"),
    ({"precision": "exact"}, r"^precision must be None"),
    ({"data_format": "NHWC"}, r"^data_format must be one of"),
    ({"use_bias": None}, r"^use_bias must be True or False, got None$"),
    ({"dtype": "int32"}, r"^dtype must be a floating or complex dtype"),
    ({"param_dtype": "int8"}, r"^param_dtype must be a floating or complex dtype, got 'int8'$"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_the_constructors_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        nn.DepthwiseConv(4, **({"kernel_size": 3} | options), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=message):
        nn.SeparableConv(4, 6, **({"kernel_size": 3} | options), rngs=nnx.Rngs(0))


def test_wrong_features_are_refused():
    with pytest.raises(ValueError, match=r"^features must be an integer of at least 1, got 0$"):
        nn.DepthwiseConv(0, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"^in_features must be an integer of at least 1, got 1\.5$"):
        nn.SeparableConv(1.5, 3, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"^out_features must be an integer of at least 1, got 0$"):
        nn.SeparableConv(3, 0, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"^kernel must have shape \(\*window, channels, multiplier\)"):
        nn.DepthwiseConv(3, 2, rngs=nnx.Rngs(0))(jnp.ones((1, 4, 4, 2)))
