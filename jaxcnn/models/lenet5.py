"""LeNet-5, as the lectures build it and as in 1998."""

from collections.abc import Callable
from typing import Any

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.models.stages import chain, conv_strides, dense, flat_features, pool_layer
from jaxcnn.nn import Conv, Flatten
from jaxcnn.nn.activations import Activated
from jaxcnn.nn.options import function


class LeNet5(Activated):
    """Conv 6 5×5 SAME, pool, Conv 16 5×5 VALID, pool, Dense 120, 84, 10: 61,706 parameters.

    The net of 1998 is `activation=nnx.tanh, pool="avg"`.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998).
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        *,
        pool: str = "max",
        activation: Callable[[Any], Any] = nnx.swish,
        rngs: nnx.Rngs,
    ):
        """`pool` is "max", "avg", "min", "stride" or "none"; `activation` follows every layer but the last."""
        strides = conv_strides(pool)
        self.activation = function("activation", activation)
        self.conv1 = Conv(input_shape[-1], 6, 5, padding="SAME", strides=strides, rngs=rngs)
        self.pool1 = pool_layer(pool)
        self.conv2 = Conv(6, 16, 5, strides=strides, rngs=rngs)
        self.pool2 = pool_layer(pool)
        self.flatten = Flatten()
        self.dense1 = dense(flat_features(input_shape, self.conv1, self.pool1, self.conv2, self.pool2), 120, rngs)
        self.dense2 = dense(120, 84, rngs)
        self.dense3 = dense(84, num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        act = self.activation
        x = chain(x, self.conv1, act, self.pool1, self.conv2, act, self.pool2)
        return chain(x, self.flatten, self.dense1, act, self.dense2, act, self.dense3)
