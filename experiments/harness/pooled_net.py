"""The second lecture's CNN with its sizes as options, so that variants with and without pooling can be matched."""

from collections.abc import Callable
from typing import Any

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, flat_features, pool_layer
from jaxcnn.nn import BlurPool, Conv, Flatten, GlobalAvgPool, MaxPool

HEADS: dict[str, Callable[[], nnx.Module]] = {"flatten": Flatten, "global_average": GlobalAvgPool}


class PooledNet(nnx.Module):
    """`swish_cnn`, the same function for the same seed where only `pool` is given."""

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        pool: str = "max",
        channels: tuple[int, int] = (3, 6),
        hidden: int = 84,
        dilation: int = 1,
        head: str = "flatten",
        rngs: nnx.Rngs,
    ):
        """Fix the sizes.

        Args:
          input_shape: (height, width, channels) of one image, in pixels.
          num_classes: length of the logits.
          pool: "max", "avg", "min", "stride" or "none", as in `jaxcnn.models`; or "blur", maxima at stride 1 blurred
            at stride 2.
          channels: of the two convolutions.
          hidden: units of the first dense layer.
          dilation: pixels between the taps of the second convolution.
          head: "flatten" or "global_average": what turns maps into features.
          rngs: stream of the parameters.
        """
        first, second = channels
        strides = conv_strides(pool)
        self.conv1 = Conv(input_shape[-1], first, 5, strides=strides, rngs=rngs)
        self.pool1 = downsampling(pool)
        self.conv2 = Conv(first, second, 5, strides=strides, kernel_dilation=dilation, rngs=rngs)
        self.pool2 = downsampling(pool)
        self.head = HEADS[head]()
        layers = (self.conv1, self.pool1, self.conv2, self.pool2, self.head)
        self.dense1 = dense(flat_features(input_shape, *layers), hidden, rngs)
        self.dense2 = dense(hidden, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        x = chain(x, self.conv1, nnx.swish, self.pool1, self.conv2, nnx.swish, self.pool2)
        return chain(x, self.head, self.dense1, nnx.swish, self.dense2)


def downsampling(pool: str) -> Any:
    """The layer that `pool` names; None where there is none.

    Source of "blur": Zhang, "Making Convolutional Networks Shift-Invariant Again" (2019), MaxBlurPool.
    """
    return nnx.Sequential(MaxPool(2, strides=1), BlurPool()) if pool == "blur" else pool_layer(pool)
