"""The arguments of `fit_stream`, refused or in the form that training uses."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Key, Shaped
from numpy.typing import NDArray

from jaxcnn.training import checks
from jaxcnn.training.call import observed_steps
from jaxcnn.training.callbacks import Callback
from jaxcnn.training.chunks import Plan
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.options import StepOptions, check_class_weights

Augmentation = Callable[[Key[Array, ""], Array], Array]

GROUP_BYTES = 2**24  # of images; steps on that much take so long that calling for more at once gains nothing


@runtime_checkable
class BatchStream(Protocol):
    """What is read from: batches (images, labels), counted over all epochs, as `jaxcnn.data.stream` gives them."""

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

    def __next__(self) -> tuple[NDArray | jax.Array, NDArray | jax.Array]: ...


@runtime_checkable
class ResumableStream(Protocol):
    """A stream that tells what it is, and goes on at any batch: it may be read ahead of the run, and a run saved."""

    def state(self) -> Mapping[str, int | str]: ...

    def seek(self, position: int) -> None: ...


@runtime_checkable
class GroupStream(Protocol):
    """A stream that gives up to `count` batches of one size and epoch at once, stacked."""

    def take(self, count: int) -> tuple[NDArray | jax.Array, NDArray | jax.Array]: ...


class StreamCall(NamedTuple):
    """What was asked for, in the form that training uses; `epochs` as they were asked for."""

    stream: BatchStream
    plan: Plan
    epochs: int | None
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
    steps_per_execution: int,
    seed: int,
    augment: Augmentation | None,
    options: StepOptions,
    class_weights: object,
    callbacks: Sequence[Callback] = (),
) -> StreamCall:
    """The arguments, or the first thing wrong with them; nothing compiles here."""
    checks.check_model(model)
    checks.check_optimizer(optimizer)
    if not isinstance(stream, BatchStream):
        raise TypeError(f"stream must be a stream of batches from jaxcnn.data.stream, got {type(stream).__name__}")
    steps = _steps_a_call(stream, checks.check_integer("steps_per_execution", steps_per_execution, minimum=1))
    plan = Plan(stream.examples, stream.batch_size, steps, observed_steps(callbacks), grouped=True)
    epochs = None if epochs is None else checks.check_integer("epochs", epochs, minimum=0)
    passes(stream, plan, epochs, 0 if callbacks else stream.position)  # callbacks may put the run at its beginning
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
    return StreamCall(stream, plan, epochs, classes, augment, held_out, key, options)


def passes(stream: BatchStream, plan: Plan, epochs: int | None, first: int) -> int:
    """Ends of epochs that a run reaches which begins at the stream's position `first`."""
    left = None if stream.epochs is None else stream.epochs - first // plan.steps_per_epoch
    if epochs is None and left is None:
        raise ValueError("epochs must be given for a stream without end, got None; pass epochs here or to data.stream")
    wanted = left if epochs is None else epochs
    if wanted is None or (left is not None and wanted > left):
        raise ValueError(f"epochs must be at most the {left} that the stream has left, got {epochs}; stream more")
    if epochs is None and wanted < 1:
        raise ValueError(
            f"the stream must have batches left, got one that stands at its end, position {stream.position}; begin"
            " another, or put it back by seek(0)"
        )
    return wanted


def _steps_a_call(stream: BatchStream, wanted: int) -> int:
    """Fewer than wanted where the images are large."""
    batch = stream.batch_size * math.prod(stream.image_shape) * stream.dtype.itemsize
    return max(1, min(wanted, GROUP_BYTES // batch))


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
