"""Small building blocks without parameters."""

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped


class Flatten(nnx.Module):
    """Everything but the batch in one axis: the bridge from feature maps to dense layers."""

    def __call__(self, x: Shaped[ArrayLike, "batch ..."]) -> Shaped[Array, "batch features"]:
        """(batch, …) to (batch, features), row-major, channels last fastest.

        Raises:
          ValueError: for an `x` of fewer than two axes.
        """
        x = jnp.asarray(x)
        if x.ndim < 2:
            raise ValueError(f"x must have a batch axis and at least one more to flatten, got shape {x.shape}")
        return x.reshape(x.shape[0], -1)
