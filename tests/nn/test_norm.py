"""nn.LocalResponseNorm: its function with the constants fixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import nn

ALEXNET = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2}


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


def test_is_its_function():
    x, layer = whole(2, 3, 3, 6), nn.LocalResponseNorm(**ALEXNET)
    y, expected = jax.jit(lambda x: (layer(x), F.local_response_norm(x, **ALEXNET)))(x)
    np.testing.assert_array_equal(y, expected)
    options = {"spatial_dims": 2, "data_format": "channels_first"}
    one = jax.jit(nn.LocalResponseNorm(**ALEXNET, **options))(jnp.moveaxis(x[0], -1, 0))
    np.testing.assert_allclose(one, np.moveaxis(y[0], -1, 0), rtol=1e-6)


def test_by_hand():
    # One response of 1, alpha 1: 1 / (2 + 1)^0.75.
    layer = nn.LocalResponseNorm(size=1, alpha=np.float32(1), beta=0.75, k=2, spatial_dims=0)
    np.testing.assert_allclose(jax.jit(layer)(jnp.ones(2)), np.full(2, 3**-0.75), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0}, ValueError, r"^size must be an integer of at least 1, got 0$"),
        ({"alpha": -1}, ValueError, r"^alpha must be at least 0"),
        ({"k": -1}, ValueError, r"^k must be at least 0"),
        ({"beta": "x"}, TypeError, r"^beta must be"),
        ({"alpha": [1.0, 2.0]}, ValueError, r"^alpha must be a scalar"),
        ({"spatial_dims": -1}, ValueError, r"^spatial_dims must be an integer of at least 0, got -1$"),
        ({"data_format": "NCHW"}, ValueError, r"^data_format must be one of"),
    ],
)
def test_the_constructor_refuses(options, error, message):
    with pytest.raises(error, match=message):
        nn.LocalResponseNorm(**(ALEXNET | options))
