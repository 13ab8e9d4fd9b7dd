"""What the models share: the `pool` option, dense layers as Keras starts them, and layers applied in a row."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from jaxcnn.nn import AvgPool, MaxPool, MinPool

POOLS = ("max", "avg", "min", "stride", "none")
_LAYERS: dict[str, Callable[..., nnx.Module]] = {"max": MaxPool, "avg": AvgPool, "min": MinPool}


def pool_layer(pool: str) -> nnx.Module | None:
    """The 2×2 pooling layer that `pool` names; None for "stride" and "none".

    Raises:
      ValueError: for anything but `POOLS`.
    """
    if pool not in POOLS:
        raise ValueError(f"pool must be one of {', '.join(POOLS)}; got {pool!r}")
    return _LAYERS[pool](2) if pool in _LAYERS else None


def conv_strides(pool: str) -> int:
    """The stride of a convolution that `pool` follows: 2 where the stride replaces the pooling."""
    return 2 if pool == "stride" else 1


def dense(in_features: int, out_features: int, rngs: nnx.Rngs) -> nnx.Linear:
    """Flax's Linear with Keras's initial values: Glorot uniform and zeros."""
    return nnx.Linear(in_features, out_features, kernel_init=nnx.initializers.glorot_uniform(), rngs=rngs)


def dropout_layer(rate: Any, rngs: nnx.Rngs) -> nnx.Dropout | None:
    """Flax's Dropout, or None for a rate of 0.

    Raises:
      ValueError: for a rate outside [0, 1).
    """
    if not isinstance(rate, int | float | np.integer | np.floating) or not 0 <= rate < 1:
        raise ValueError(f"dropout must be a fraction of at least 0 and below 1, got {rate!r}")
    return nnx.Dropout(float(rate), rngs=rngs) if rate else None


def chain(x: Any, *layers: Callable[[Any], Any] | None) -> Array:
    """`x` through the layers in order; None is skipped."""
    for layer in layers:
        x = x if layer is None else layer(x)
    return x


def flat_features(input_shape: tuple[int, ...], *layers: Callable[[Any], Any] | None) -> int:
    """How many features the layers leave of one image, found without computing."""
    image = jax.ShapeDtypeStruct((1, *input_shape), jnp.float32)
    return math.prod(jax.eval_shape(lambda x: chain(x, *layers), image).shape)
