"""Small sets and models, so that compilation stays cheap."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

RMSPROP, SGD = optax.rmsprop(1e-2), optax.sgd(0.5)  # one object each, so that tests share compiled programs
KERNEL = nnx.initializers.uniform(0.2)  # the quickest to compile


class Images(NamedTuple):
    images: np.ndarray
    labels: np.ndarray


class Softmax(nnx.Module):
    """The linear model, whose training NumPy can follow."""

    def __init__(self, classes=3, *, rngs):
        self.dense = nnx.Linear(64, classes, kernel_init=KERNEL, rngs=rngs)

    def __call__(self, x):
        return self.dense(x.reshape(x.shape[0], -1))


class Stateful(nnx.Module):
    """BatchNorm and Dropout between linear layers: every kind of state."""

    def __init__(self, *, dtype=None, rngs):
        self.hidden = nnx.Linear(64, 8, dtype=dtype, kernel_init=KERNEL, rngs=rngs)
        self.norm = nnx.BatchNorm(8, momentum=0.9, dtype=dtype, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.dense = nnx.Linear(8, 3, dtype=dtype, kernel_init=KERNEL, rngs=rngs)

    def __call__(self, x):
        x = self.hidden(x.reshape(x.shape[0], -1))
        return self.dense(self.dropout(nnx.relu(self.norm(x))))


class Convolutional(nnx.Module):
    """One convolution and one linear layer."""

    def __init__(self, *, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), strides=2, rngs=rngs)
        self.dense = nnx.Linear(64, 3, rngs=rngs)

    def __call__(self, x):
        return self.dense(nnx.relu(self.conv(x)).reshape(x.shape[0], -1))


@pytest.fixture
def make_images():
    """Images (n, 8, 8, 1) whose brightest third gives the class."""

    def make(n, seed=0, dtype=np.uint8):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, n).astype(np.int32)
        images = rng.integers(0, 100, (n, 8, 8, 1))
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 2] += 120
        return Images(images.astype(np.uint8) if dtype == np.uint8 else (images / 255).astype(dtype), labels)

    return make


@pytest.fixture
def softmax():
    return Softmax


@pytest.fixture
def stateful():
    return Stateful


@pytest.fixture
def convolutional():
    return Convolutional


@pytest.fixture
def rmsprop():
    return RMSPROP


@pytest.fixture
def sgd():
    return SGD


@pytest.fixture
def arrays():
    """Every array of a model as NumPy, keys as their data."""

    def collect(model):
        leaves = nnx.to_flat_state(nnx.state(model))
        return {path: np.asarray(_data(leaf[...] if hasattr(leaf, "get_value") else leaf)) for path, leaf in leaves}

    return collect


def _data(leaf):
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
