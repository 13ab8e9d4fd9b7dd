"""nn.activations: modules that hold jitted functions can be pickled and copied, and compute the same."""

import copy
import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import nn


@jax.jit
def doubled(x):
    return 2 * x


@pytest.mark.parametrize(
    "activation",
    [nnx.relu, nnx.swish, jnp.tanh, nnx.gelu, doubled, functools.partial(nnx.leaky_relu, negative_slope=0.2)],
    ids=["custom_jvp", "jit", "jax.numpy", "function", "own", "partial"],
)
def test_pickled_and_copied(activation):
    layer = nn.SqueezeExcite(4, reduction=2, activation=activation, rngs=nnx.Rngs(0))
    x = jnp.linspace(-1, 1, 24).reshape(1, 2, 3, 4)
    kernel = np.asarray(layer.reduce.kernel)
    pickled = pickle.loads(pickle.dumps(layer))
    assert pickled.gate is layer.gate
    for again in (pickled, copy.deepcopy(layer), copy.copy(layer)):
        np.testing.assert_array_equal(again.reduce.kernel, kernel)
        np.testing.assert_array_equal(again.activation(x), activation(x))


def test_no_private_name_is_pickled():
    # Another version of JAX may have moved it.
    assert b"jax._src.nn" not in pickle.dumps(nn.SqueezeExcite(2, reduction=2, rngs=nnx.Rngs(0)))


def test_what_has_no_name_is_told_by_pickle():
    layer = nn.SqueezeExcite(2, reduction=2, activation=lambda x: x, rngs=nnx.Rngs(0))
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(layer)
