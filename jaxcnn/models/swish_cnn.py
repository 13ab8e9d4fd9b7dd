"""The second lecture's CNN, with which it shows what pooling saves."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, flat_features, pool_layer
from jaxcnn.nn import Conv, Flatten


class SwishCNN(nnx.Module):
    """Conv 3 5×5, Conv 6 5×5, Dense 84, Dense 10, all swish, VALID; 9,532 parameters pooled, 203,068 not."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int, *, pool: str = "max", rngs: nnx.Rngs):
        """`pool` is "max", "avg", "min", "stride" or "none": what follows each convolution."""
        strides = conv_strides(pool)
        self.conv1 = Conv(input_shape[-1], 3, 5, strides=strides, rngs=rngs)
        self.pool1 = pool_layer(pool)
        self.conv2 = Conv(3, 6, 5, strides=strides, rngs=rngs)
        self.pool2 = pool_layer(pool)
        self.flatten = Flatten()
        self.dense1 = dense(flat_features(input_shape, self.conv1, self.pool1, self.conv2, self.pool2), 84, rngs)
        self.dense2 = dense(84, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        x = chain(x, self.conv1, nnx.swish, self.pool1, self.conv2, nnx.swish, self.pool2)
        return chain(x, self.flatten, self.dense1, nnx.swish, self.dense2)
