"""The notebook's CNN: three convolutions, of which two are pooled."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, flat_features, pool_layer
from jaxcnn.nn import Conv, Flatten


class ConvNet(nnx.Module):
    """Conv 32, pool, Conv 64, pool, Conv 128, all 3×3 VALID relu, Dense 10; 104,202 parameters pooled, 712,202 not."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int, *, pool: str = "max", rngs: nnx.Rngs):
        """`pool` is "max", "avg", "min", "stride" or "none": what follows the first two convolutions."""
        strides = conv_strides(pool)
        self.conv1 = Conv(input_shape[-1], 32, 3, strides=strides, rngs=rngs)
        self.pool1 = pool_layer(pool)
        self.conv2 = Conv(32, 64, 3, strides=strides, rngs=rngs)
        self.pool2 = pool_layer(pool)
        self.conv3 = Conv(64, 128, 3, rngs=rngs)
        self.flatten = Flatten()
        layers = (self.conv1, self.pool1, self.conv2, self.pool2, self.conv3)
        self.dense = dense(flat_features(input_shape, *layers), num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        x = chain(x, self.conv1, nnx.relu, self.pool1, self.conv2, nnx.relu, self.pool2)
        return chain(x, self.conv3, nnx.relu, self.flatten, self.dense)
