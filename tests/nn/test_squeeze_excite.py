"""nn.SqueezeExcite: Hu et al.'s gates by hand, published counts, layouts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import nn


def uniform(*shape):
    return jnp.asarray(np.random.default_rng(0).uniform(-1, 1, shape), jnp.float32)


@pytest.mark.parametrize(("use_bias", "parameters"), [(False, 2 * 256**2 // 16), (True, 2 * 256**2 // 16 + 16 + 256)])
def test_parameters_are_the_papers(use_bias, parameters):
    # Equation 5: 2/r · C² a block; biases, which the paper's count leaves out, add C/r + C.
    layer = nnx.eval_shape(lambda: nn.SqueezeExcite(256, use_bias=use_bias, rngs=nnx.Rngs(0)))
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))) == parameters


def test_by_hand():
    layer, x = nn.SqueezeExcite(4, reduction=2, rngs=nnx.Rngs(0)), uniform(2, 3, 5, 4)
    layer.reduce.bias[...], layer.expand.bias[...] = uniform(2), uniform(4)
    images = np.asarray(x)
    hidden = np.maximum(images.mean((1, 2)) @ np.asarray(layer.reduce.kernel) + np.asarray(layer.reduce.bias), 0)
    gates = 1 / (1 + np.exp(-(hidden @ np.asarray(layer.expand.kernel) + np.asarray(layer.expand.bias))))
    expected = images * gates[:, None, None]
    np.testing.assert_allclose(jax.jit(lambda layer, x: layer(x))(layer, x), expected, rtol=1e-5, atol=1e-6)
    layer.data_format, layer.spatial_dims = "channels_first", 2
    first = np.moveaxis(expected, -1, 1)
    batch, one = jax.jit(lambda layer, x: (layer(x), layer(x[0])))(layer, np.moveaxis(x, -1, 1))
    np.testing.assert_allclose(batch, first, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one, first[0], rtol=1e-5, atol=1e-6)


def test_the_gate_may_be_another():
    options = {"activation": nnx.silu, "gate": jnp.ones_like}
    x = uniform(1, 3, 3, 2)
    layer = nn.SqueezeExcite(2, reduction=1, **options, rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(jax.jit(lambda x: layer(x))(x), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": 0}, r"^features must be an integer of at least 1, got 0$"),
        ({"reduction": 0}, r"^reduction must be an integer of at least 1, got 0$"),
        ({"reduction": 3}, r"^reduction must divide features, .*; got 3 with 4$"),
        ({"use_bias": "yes"}, r"^use_bias must be True or False, got 'yes'$"),
        ({"spatial_dims": 0}, r"^spatial_dims must be"),
        ({"data_format": "NCHW"}, r"^data_format must be one of"),
        ({"dtype": "int32"}, r"^dtype must be a floating or complex dtype"),
        ({"param_dtype": "int8"}, r"^param_dtype must be a floating or complex dtype, got 'int8'$"),
    ],
)
def test_the_constructor_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        nn.SqueezeExcite(**({"features": 4, "reduction": 2} | options), rngs=nnx.Rngs(0))


def test_the_call_refuses():
    layer = nn.SqueezeExcite(4, reduction=2, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"^x must have 4 channels, the layer's features; got shape \(1, 2, 2, 3\)$"):
        layer(jnp.ones((1, 2, 2, 3)))
    with pytest.raises(ValueError, match=r"^x must have axes \(batch, \*spatial, channels\)"):
        layer(jnp.ones((1, 4)))
