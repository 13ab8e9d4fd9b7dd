"""Training on a stream of batches, for sets that do not fit into memory."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Int32, Key
from numpy.typing import NDArray

from jaxcnn.training import checks
from jaxcnn.training.call import check_options, check_seed
from jaxcnn.training.chunks import completes_update
from jaxcnn.training.compiling import Program
from jaxcnn.training.epochs import finite_means, keep, validate
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.metrics import Metrics, add_metrics, zero_metrics
from jaxcnn.training.programs import after_epoch
from jaxcnn.training.progress import Silent, reporter
from jaxcnn.training.state import TrainState, create_state, learning_rate_of
from jaxcnn.training.steps import train_step
from jaxcnn.training.stream_call import Augmentation, BatchStream, Run, check_stream_call
from jaxcnn.training.task import held_out_batches, history_of

_IN_FLIGHT = 2  # steps that the device has before it: enough to keep it busy, and few batches in its memory


class Programs(NamedTuple):
    """A step for each batch size, and what follows an epoch."""

    steps: dict[int, Callable]
    snapshot: Callable
    evaluation: Callable | None


def fit_stream(
    model: nnx.Module,
    stream: BatchStream,
    *,
    validation: LabeledImages | None = None,
    epochs: int | None = None,
    optimizer: optax.GradientTransformation,
    seed: int = 0,
    augment: Augmentation | None = None,
    label_smoothing: float | int = 0.0,
    class_weights: Sequence[float | int] | NDArray | None = None,
    ema: float | int | None = None,
    compute_dtype: jax.typing.DTypeLike | None = None,
    accumulate_steps: int = 1,
    progress: bool = True,
) -> History:
    """Trains the model in place on the batches that the stream has left, and returns what happened.

    As `fit`, but the set need not fit into memory, and images may be augmented. A stream that stands within an epoch
    is read to that epoch's end first, which counts as one. Batches and augmentation depend on the stream's position
    and the seeds alone. The model takes the new state at the end of each epoch; after an interrupt or an error it
    holds the last whole one, while the stream stands behind the last batch that was read.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      stream: from `jaxcnn.data.stream`; its images uint8 (scaled to [0, 1] in the step) or floats (used as they are).
      validation: anything with `.images` and `.labels`, evaluated after each epoch as it is, without augmentation.
      epochs: ends of epochs to reach; None goes to the stream's own end. 0 checks the arguments alone.
      optimizer: any optax gradient transformation. Pass the same object again to reuse compiled programs.
      seed: of the augmentation, 0 to 2**32 - 1; shuffles have the stream's own.
      augment: `(key, images) -> images` such as one of `jaxcnn.data.augment`, run on the device within the step,
        before scaling. Pass the same object again to reuse compiled programs.
      label_smoothing, class_weights, ema, compute_dtype, accumulate_steps: as for `fit`.
      progress: show a bar on a terminal, a line an epoch elsewhere (on stderr).

    Returns:
      One float an epoch of loss, accuracy, val_loss, val_accuracy and seconds (reading included), and the seconds of
      compilation.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, model or numbers do not fit; raised before anything compiles, except for images and
        labels, which are checked as they are read.
      FloatingPointError: the loss or a parameter became NaN or infinite; the model keeps the last good epoch.
    """
    seed, options = check_seed(seed), check_options(label_smoothing, ema, compute_dtype, accumulate_steps)
    run = check_stream_call(model, stream, validation, epochs, optimizer, seed, augment, options, class_weights)
    if run.epochs == 0:
        return History()
    state, batches = create_state(model, optimizer, run.options), held_out_batches(run.held_out)
    with reporter(progress, run.epochs, run.plan.examples) as report:
        programs, seconds = _compile(run, state, batches[0] if batches else None)
        return history_of(list(_train_epochs(run, programs, model, state, batches, report)), seconds)


def stream_step(
    state: TrainState,
    metrics: Metrics,
    batch: Examples,
    key: Key[Array, ""],
    position: Int32[Array | np.integer, ""],
    *,
    augment: Augmentation | None,
    steps_per_epoch: int | None = None,
) -> tuple[TrainState, Metrics]:
    """One training step on a batch, augmented by draws that belong to its position; its sums added to `metrics`.

    Where gradients accumulate, `steps_per_epoch` tells which batches complete an update.
    """
    if augment is not None:
        batch = Examples(augment(jax.random.fold_in(key, position), jnp.asarray(batch.images)), batch.labels)
    last = steps_per_epoch is None or completes_update(
        jnp.asarray(position) % steps_per_epoch, 1, steps_per_epoch, state.options.accumulate_steps
    )
    state, found = train_step(state, batch, last)
    return state, add_metrics(metrics, found)


_jitted_step = jax.jit(stream_step, static_argnames=("augment", "steps_per_epoch"), donate_argnames="state")


def _compile(run: Run, state: TrainState, held_out: Any) -> tuple[Programs, float]:
    """All programs, and the seconds until the first step can run: those for later steps compile behind it."""
    start = time.perf_counter()
    worker = ThreadPoolExecutor(1)
    dtype = jax.dtypes.canonicalize_dtype(run.stream.dtype)
    per_epoch = run.plan.steps_per_epoch if run.options.accumulate_steps > 1 else None
    steps = {}
    for size in run.plan.batch_sizes:
        images = jax.ShapeDtypeStruct((size, *run.stream.image_shape), dtype)
        batch = Examples(images, jax.ShapeDtypeStruct((size,), np.int32))  # pyright: ignore[reportArgumentType]
        args = (state, zero_metrics(), batch, run.key, np.int32(0))
        steps[size] = Program(worker, _jitted_step, *args, augment=run.augment, steps_per_epoch=per_epoch)
    after = after_epoch(worker, state, held_out)
    worker.shutdown(wait=False)
    steps[run.plan.batch_sizes[0]].wait()
    return Programs(steps, *after), time.perf_counter() - start


def _train_epochs(
    run: Run,
    programs: Programs,
    model: nnx.Module,
    state: TrainState,
    batches: list[tuple[Examples, Array]],
    report: Silent,
) -> Iterator[dict[str, float]]:
    """A row an epoch; the model receives each epoch's result before its validation."""
    for epoch in range(run.epochs):
        begun = run.stream.position % run.plan.steps_per_epoch
        state, row = _train_epoch(run, programs, epoch, begun, state, report)
        keep(model, programs.snapshot, state, run.plan, epoch, run.plan.steps_per_epoch)
        row |= learning_rate_of(state) | validate(programs.evaluation, state, batches)
        report.finish_epoch(epoch, row)
        yield row


def _train_epoch(
    run: Run, programs: Programs, epoch: int, begun: int, state: TrainState, report: Silent
) -> tuple[TrainState, dict[str, float]]:
    """The rest of an epoch; the host waits for the step before the last, so that batches do not pile up."""
    start, total = time.perf_counter(), jax.device_put(zero_metrics())
    in_flight: deque[Metrics] = deque()
    for step in range(run.plan.steps_per_epoch - begun):
        position = jax.device_put(np.int32(run.stream.position))
        batch = _check_batch(run, Examples(*next(run.stream)))
        state, total = programs.steps[len(batch.labels)](state, total, batch, run.key, position)
        in_flight.append(total)
        if len(in_flight) > _IN_FLIGHT:
            earlier = jax.block_until_ready(in_flight.popleft())
            if step % run.plan.steps_per_execution == 0:
                seen = int(jax.device_get(earlier.examples))
                report.advance(epoch, finite_means(earlier, run.plan, epoch, begun), seen, time.perf_counter() - start)
    jax.block_until_ready(state)
    return state, {**finite_means(total, run.plan, epoch, begun), "seconds": time.perf_counter() - start}


def _check_batch(run: Run, batch: Examples) -> Examples:
    """Where the stream does not know its classes, its labels are looked at one batch after the other."""
    if run.stream.class_names is None:
        checks.check_labels(f"(batch {run.stream.position - 1} of the stream)", batch, run.classes)
    return batch
