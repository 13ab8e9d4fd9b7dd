"""The first lecture's CNN for Fashion-MNIST."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, dropout_layer, flat_features, pool_layer
from jaxcnn.nn import Conv, Flatten


class FashionCNN(nnx.Module):
    """Conv 32 3×3 SAME, pool, Conv 64 3×3 SAME, pool, Dense 100, Dropout 0.4, Dense 10, relu: 333,526 parameters."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        pool: str = "max",
        dropout: float = 0.4,
        rngs: nnx.Rngs,
    ):
        """`pool` is "max", "avg", "min", "stride" or "none"; `dropout` the fraction dropped after Dense 100."""
        strides = conv_strides(pool)
        self.conv1 = Conv(input_shape[-1], 32, 3, padding="SAME", strides=strides, rngs=rngs)
        self.pool1 = pool_layer(pool)
        self.conv2 = Conv(32, 64, 3, padding="SAME", strides=strides, rngs=rngs)
        self.pool2 = pool_layer(pool)
        self.flatten = Flatten()
        self.dense1 = dense(flat_features(input_shape, self.conv1, self.pool1, self.conv2, self.pool2), 100, rngs)
        self.dropout = nnx.data(dropout_layer(dropout, rngs))
        self.dense2 = dense(100, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        x = chain(x, self.conv1, nnx.relu, self.pool1, self.conv2, nnx.relu, self.pool2)
        return chain(x, self.flatten, self.dense1, nnx.relu, self.dropout, self.dense2)
