"""Every model by its name."""

import functools
import inspect
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.core import Tracer

from jaxcnn.geometry import Int, Size, as_int, as_sizes, entries
from jaxcnn.lowering.compiler_options import for_few_runs
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
    input_shape: Size = (28, 28, 1),
    num_classes: Int = 10,
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
      TypeError: for `rngs` that isn't an `nnx.Rngs`, or an `activation` that isn't a function.
    """
    if not isinstance(name, str) or name not in MODELS:
        raise ValueError(f"name must be one of {', '.join(MODELS)}; got {name!r}")
    if not isinstance(rngs, nnx.Rngs):
        raise TypeError(f"rngs must be an nnx.Rngs, such as nnx.Rngs(0); got {type(rngs).__name__}")
    known = options_of(name)
    unknown = [option for option in options if option not in known]
    if unknown:
        raise ValueError(
            f"options must be known to the model; got {', '.join(unknown)}, and {name} takes {', '.join(known)}"
        )
    if len(entries(input_shape) or ()) != 3:
        raise ValueError(f"input_shape must be (height, width, channels), got {input_shape!r}")
    sizes, classes = as_sizes("input_shape", input_shape, 3), as_int("num_classes", num_classes, minimum=1)
    return _built(_Choice(name, sizes, classes, tuple(options.items())), rngs)


class _Choice(NamedTuple):
    """What `create` was asked for."""

    name: str
    input_shape: tuple[int, ...]
    num_classes: int
    options: tuple[tuple[str, Any], ...]

    def make(self, rngs: nnx.Rngs) -> nnx.Module:
        """The model, an operation at a time."""
        return MODELS[self.name](self.input_shape, self.num_classes, **dict(self.options), rngs=rngs)


def _built(choice: _Choice, rngs: nnx.Rngs) -> nnx.Module:
    """The same model from one program, which takes a fraction of the time to compile; `rngs` is as far on."""
    graphdef, streams = nnx.split(rngs)
    if not _is_hashable(choice) or _is_traced(streams):
        return choice.make(rngs)
    # Its words, too, since 10 == 10.0 and 1 == True, of which the model refuses some.
    model, drawn = _jitted_make()(choice, repr(choice), graphdef, streams)
    nnx.update(rngs, drawn)
    return nnx.merge(*model)


def _is_hashable(choice: _Choice) -> bool:
    try:
        return hash(choice) is not None
    except TypeError:
        return False


def _is_traced(streams: Any) -> bool:
    """Whether the caller is within `jax.jit`, `jax.eval_shape` or `jax.vmap`."""
    return any(isinstance(leaf, Tracer) for leaf in (jnp.zeros(()), *jax.tree.leaves(streams)))


@functools.cache
def _jitted_make() -> Any:
    return jax.jit(_make, static_argnums=(0, 1, 2), compiler_options=for_few_runs())


def _make(choice: _Choice, _words: str, graphdef: Any, streams: Any) -> Any:
    rngs = nnx.merge(graphdef, streams)
    return nnx.split(choice.make(rngs)), nnx.state(rngs)


def options_of(name: str) -> tuple[str, ...]:
    """The options that a model of `MODELS` takes."""
    # The class itself shows the signature of Flax's metaclass.
    parameters = inspect.signature(MODELS[name].__init__).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rngs")
