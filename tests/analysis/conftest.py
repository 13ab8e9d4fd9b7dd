"""Models that several tests of the analysis look at."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx


class SmallNet(nnx.Module):
    """Every kind of state: parameters, moving statistics, a random stream, a list, a parameter beside the layers."""

    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(4 * 3 * 3, 5, rngs=rngs)])
        self.scale = nnx.Param(jnp.ones((5,)))

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        x = self.drop(nnx.max_pool(x, (2, 2), (2, 2)))
        return self.layers[0](x.reshape(x.shape[0], -1)) * self.scale[None]


@pytest.fixture
def small_net():
    return SmallNet(nnx.Rngs(0))


@pytest.fixture
def image():
    return jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.float32)
