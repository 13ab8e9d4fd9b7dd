"""The arguments of `fit_stream`, refused or in the form that training uses."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Key, Shaped
from numpy.typing import NDArray

from jaxcnn.training import checks
from jaxcnn.training.chunks import Plan
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.options import StepOptions, check_class_weights

Augmentation = Callable[[Key[Array, ""], Array], Array]

_LOOK = 32  # steps between two looks at the progress


@runtime_checkable
class BatchStream(Protocol):
    """What is read from: batches (images, labels) on the device, counted over all epochs, as `jaxcnn.data.stream`."""

    @property
    def examples(self) -> int: ...

    @property
    def batch_size(self) -> int: ...

    @property
    def epochs(self) -> int | None: ...

    @property
    def position(self) -> int: ...

    @property
    def image_shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    @property
    def class_names(self) -> tuple[str, ...] | None: ...

    def __next__(self) -> tuple[jax.Array, jax.Array]: ...


class Run(NamedTuple):
    """What was asked for, in the form that training uses."""

    stream: BatchStream
    plan: Plan
    epochs: int
    classes: int
    augment: Augmentation | None
    held_out: Examples | None
    key: Key[Array, ""]
    options: StepOptions


def check_stream_call(
    model: nnx.Module,
    stream: BatchStream,
    validation: LabeledImages | None,
    epochs: int | None,
    optimizer: optax.GradientTransformation,
    seed: int,
    augment: Augmentation | None,
    options: StepOptions,
    class_weights: object,
) -> Run:
    """The arguments, or the first thing wrong with them; nothing compiles here."""
    checks.check_model(model)
    checks.check_optimizer(optimizer)
    if not isinstance(stream, BatchStream):
        raise TypeError(f"stream must be a stream of batches from jaxcnn.data.stream, got {type(stream).__name__}")
    plan = Plan(stream.examples, stream.batch_size, _LOOK)
    passes = _check_epochs(stream, plan, epochs)
    key = jax.random.key(seed)
    images = _check_augment(augment, key, stream)
    held_out = None if validation is None else checks.check_examples("validation", validation)
    if held_out is not None:
        checks.check_same_shape(Examples(images, np.zeros(len(images), np.int32)), held_out)
    dtype = options.compute_dtype
    classes = checks.count_classes(model, images, stream.batch_size, training=True, compute_dtype=dtype)
    _check_names(stream, classes)
    options = dataclasses.replace(options, class_weights=check_class_weights(class_weights, classes))
    held_out = held_out and checks.check_labels("validation", held_out, classes)
    return Run(stream, plan, passes, classes, augment, held_out, key, options)


def _check_epochs(stream: BatchStream, plan: Plan, epochs: int | None) -> int:
    begun = stream.position // plan.steps_per_epoch
    left = None if stream.epochs is None else stream.epochs - begun
    if epochs is None and left is None:
        raise ValueError("epochs must be given for a stream without end, got None; pass epochs here or to data.stream")
    wanted = left if epochs is None else checks.check_integer("epochs", epochs, minimum=0)
    if wanted is None or (left is not None and wanted > left):
        raise ValueError(f"epochs must be at most the {left} that the stream has left, got {epochs}; stream more")
    return wanted


def _check_augment(
    augment: Augmentation | None, key: Key[Array, ""], stream: BatchStream
) -> Shaped[NDArray, "1 h w c"]:
    """An image as the model will see it, of no content and no memory."""
    shape, dtype = stream.image_shape, jax.dtypes.canonicalize_dtype(stream.dtype)
    if augment is not None:
        try:
            hash(augment)
        except TypeError as error:
            raise TypeError(f"augment must be a hashable function of (key, images), got {augment!r}") from error
        batch = (stream.batch_size, *shape)
        found = jax.eval_shape(augment, key, jax.ShapeDtypeStruct(batch, dtype))
        if getattr(found, "shape", ())[:1] != batch[:1] or len(found.shape) != 4:
            raise ValueError(f"augment must return images (n, h, w, c), as many as it gets, got {found} for {batch}")
        shape, dtype = found.shape[1:], found.dtype
    return np.broadcast_to(np.zeros((), dtype), (1, *shape))


def _check_names(stream: BatchStream, classes: int) -> None:
    if stream.class_names is not None and len(stream.class_names) > classes:
        raise ValueError(
            f"the model must have an output for each class of the stream, {len(stream.class_names)}, got {classes};"
            " give it as many"
        )
