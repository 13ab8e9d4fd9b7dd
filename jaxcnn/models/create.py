"""Every model by its name."""

import inspect
from collections.abc import Sequence
from typing import Any

from flax import nnx

from jaxcnn.geometry import as_sizes
from jaxcnn.models.convnet import ConvNet
from jaxcnn.models.fashion_cnn import FashionCNN
from jaxcnn.models.lenet5 import LeNet5
from jaxcnn.models.mlp import MLP
from jaxcnn.models.simple_cnn import SimpleCNN
from jaxcnn.models.swish_cnn import SwishCNN

MODELS: dict[str, Any] = {
    "convnet": ConvNet,
    "fashion_cnn": FashionCNN,
    "lenet5": LeNet5,
    "mlp": MLP,
    "simple_cnn": SimpleCNN,
    "swish_cnn": SwishCNN,
}


def create(
    name: str,
    *,
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    rngs: nnx.Rngs,
    **options: Any,
) -> nnx.Module:
    """A model of `MODELS`, its parameters drawn from `rngs` (Glorot uniform kernels, zero biases, as Keras).

    Args:
      name: a key of `MODELS`.
      input_shape: (height, width, channels) of one image, in pixels.
      num_classes: length of the logits.
      rngs: streams for parameters and dropout, `nnx.Rngs(seed)`.
      **options: the model's own, such as `pool="none"`; its class documents them.

    Returns:
      A module that takes images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
      ValueError: for an unknown name, option or value, and for images too small for the model.
      TypeError: for `rngs` that isn't an `nnx.Rngs`.
    """
    if name not in MODELS:
        raise ValueError(f"name must be one of {', '.join(MODELS)}; got {name!r}")
    if not isinstance(rngs, nnx.Rngs):
        raise TypeError(f"rngs must be an nnx.Rngs, such as nnx.Rngs(0); got {type(rngs).__name__}")
    known = options_of(name)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(
            f"options must be known to the model; got {', '.join(unknown)}, and {name} takes {', '.join(known)}"
        )
    if isinstance(input_shape, int) or len(input_shape) != 3:
        raise ValueError(f"input_shape must be (height, width, channels), got {input_shape!r}")
    return MODELS[name](as_sizes("input_shape", input_shape, 3), num_classes, **options, rngs=rngs)


def options_of(name: str) -> tuple[str, ...]:
    """The options that a model of `MODELS` takes."""
    # The class itself shows the signature of Flax's metaclass.
    parameters = inspect.signature(MODELS[name].__init__).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rngs")
