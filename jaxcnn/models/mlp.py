"""A net without convolutions: what the lectures compare a CNN with."""

import math

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.geometry import as_int
from jaxcnn.models.stages import chain, dense
from jaxcnn.nn import Flatten


class MLP(nnx.Module):
    """Flatten, Dense 84 swish, Dense 10: 66,790 parameters on 28×28 images."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int, *, hidden: int = 84, rngs: nnx.Rngs):
        """`hidden` is the width of the hidden layer."""
        hidden = as_int("hidden", hidden, minimum=1)
        self.flatten = Flatten()
        self.dense1 = dense(math.prod(input_shape), hidden, rngs)
        self.dense2 = dense(hidden, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        return chain(x, self.flatten, self.dense1, nnx.swish, self.dense2)
