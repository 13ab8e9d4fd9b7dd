"""Small building blocks without parameters."""

import math

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.functional.dtypes import as_array


class Flatten(nnx.Module):
    """Everything but the batch in one axis: the bridge from feature maps to dense layers."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "batch features"]:
        """(batch, …) to (batch, features), row-major, channels last fastest.

        Raises:
          ValueError: for an `x` of fewer than two axes.
        """
        x = as_array("x", x)
        if x.ndim < 2:
            raise ValueError(f"x must have a batch axis and at least one more to flatten, got shape {x.shape}")
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))
