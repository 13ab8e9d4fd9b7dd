"""Training on a stream of batches, for sets that do not fit into memory."""

from collections.abc import Sequence

import jax
import optax
from flax import nnx
from numpy.typing import NDArray

from jaxcnn.training.call import check_callbacks, check_options, check_seed
from jaxcnn.training.callbacks import Callback, watched
from jaxcnn.training.checkpoints import Checkpoints, make_saver
from jaxcnn.training.checks import check_jit
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.progress import reporter
from jaxcnn.training.run import Run
from jaxcnn.training.state import create_state
from jaxcnn.training.stream_call import Augmentation, BatchStream, StreamCall, check_stream_call, passes
from jaxcnn.training.stream_feed import StreamFeed, kept_in_place, put_in_place
from jaxcnn.training.stream_programs import compile_stream_programs
from jaxcnn.training.task import Task, held_out_batches, history_of, train_run


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
    class_weights: Sequence[float | int] | NDArray | jax.Array | None = None,
    ema: float | int | None = None,
    compute_dtype: jax.typing.DTypeLike | None = None,
    accumulate_steps: int = 1,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
    steps_per_execution: int = 32,
    progress: bool = True,
) -> History:
    """Trains the model in place on the batches that the stream has left, and returns what happened.

    As `fit`, but the set need not fit into memory, and images may be augmented. A stream that stands within an epoch
    is read to that epoch's end first, which counts as one. Batches and augmentation depend on the stream's position
    and the seeds alone.

    Batches are read in groups of `steps_per_execution`, each while the device works on the one before it: in memory
    are some five groups, those that the stream itself reads ahead included. The model takes the new state at the end of
    each epoch; after an interrupt or an error it holds the last whole one, while the stream is put behind the last
    batch that was trained on: those after it, which were read ahead, come again. With `checkpoints` a run that goes on
    has the state of its last step and puts the stream there, so that nothing is lost. On a CPU build the model from
    `jaxcnn.nn.Conv`, or call `jaxcnn.accelerate_cpu()` first, as for `fit`.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      stream: from `jaxcnn.data.stream`; its images uint8 (scaled to [0, 1] in the step) or floats (used as they are).
      validation: anything with `.images` and `.labels`, evaluated after each epoch as it is, without augmentation.
      epochs: ends of epochs to reach; None goes to the stream's own end. 0 checks the arguments alone. A saved run that
        goes on counts those that it has reached.
      optimizer: any optax gradient transformation. Pass the same object again to reuse compiled programs.
      seed: of the augmentation, 0 to 2**32 - 1; shuffles have the stream's own.
      augment: `(key, images) -> images` such as one of `jaxcnn.data.augment`, run on the device within the step,
        before scaling: floats that it returns must be scaled already. Pass the same object again to reuse compiled
        programs.
      label_smoothing, class_weights, ema, compute_dtype, accumulate_steps, callbacks: as for `fit`.
      checkpoints: as for `fit`. A run that goes on puts the stream where it was, wherever that stands; its source,
        seed and batch size must be the same.
      steps_per_execution: steps a call of the compiled program, and batches of a group; fewer where so many hold more
        than 16 MiB of images. Changes no result.
      progress: show a bar on a terminal, a line an epoch elsewhere (on stderr).

    Returns:
      One float an epoch of loss, accuracy, val_loss, val_accuracy and seconds (reading included), and the seconds of
      compilation; of all epochs where a saved run went on.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, model or numbers do not fit; raised before anything compiles, except for images and
        labels, which are checked as they are read.
      FloatingPointError: the loss or a parameter became NaN or infinite; the model keeps the last good epoch.
      OSError: a checkpoint can't be saved; earlier ones are whole.
    """
    check_jit()
    seed, callbacks = check_seed(seed), check_callbacks(callbacks)
    saving = make_saver(checkpoints, stream, validation, {"augment": augment})
    watchers = (*callbacks, *saving)  # a save comes after what others note
    options = check_options(label_smoothing, ema, compute_dtype, accumulate_steps)
    data, numbers = (stream, validation, epochs), (optimizer, steps_per_execution, seed)
    call = check_stream_call(model, *data, *numbers, augment, options, class_weights, watchers)
    if epochs == 0:
        return History()
    run = _begin(call, model, optimizer, seed)
    with watched(run, (*saving, *callbacks)), kept_in_place(stream, run):
        put_in_place(stream, run)
        run.epochs = passes(stream, call.plan, call.epochs, run.first)
        with reporter(progress, run.epochs, call.plan.examples) as report:
            task = _prepare(call, run)
            train_run(task, model, run, call.key, report, watchers)
    return history_of(run.rows, task.compile_seconds, stopped=run.stopped)


def _begin(call: StreamCall, model: nnx.Module, optimizer: optax.GradientTransformation, seed: int) -> Run:
    """A run from where the stream stands; callbacks may put it elsewhere, before its epochs are counted for good."""
    most, state = passes(call.stream, call.plan, call.epochs, 0), create_state(model, optimizer, call.options)
    return Run(call.plan, most, seed, state, validated=call.held_out is not None, first=call.stream.position)


def _prepare(call: StreamCall, run: Run) -> Task:
    """Compiles, while nothing is read yet."""
    batches = held_out_batches(call.held_out)
    programs, seconds = compile_stream_programs(call, run.state, batches[0] if batches else None)
    return Task(lambda _: StreamFeed(call, programs), batches, programs, seconds)
