"""The third lecture's CNN: one convolution, with dropout as an option."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, dropout_layer, flat_features, pool_layer
from jaxcnn.nn import Conv, Flatten


class SimpleCNN(nnx.Module):
    """Conv 10 3×3 SAME relu, pool 2, Flatten, Dense 100 relu, Dense 10: 197,210 parameters."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        pool: str = "max",
        dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        """`pool` is "max", "avg", "min", "stride" or "none"; `dropout` the fraction dropped after Flatten."""
        self.conv1 = Conv(input_shape[-1], 10, 3, padding="SAME", strides=conv_strides(pool), rngs=rngs)
        self.pool1 = pool_layer(pool)
        self.flatten = Flatten()
        self.dropout = nnx.data(dropout_layer(dropout, rngs))
        self.dense1 = dense(flat_features(input_shape, self.conv1, self.pool1), 100, rngs)
        self.dense2 = dense(100, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        x = chain(x, self.conv1, nnx.relu, self.pool1)
        return chain(x, self.flatten, self.dropout, self.dense1, nnx.relu, self.dense2)
