"""What all runs of one call share, and one of these runs."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Key

from jaxcnn.training.call import Call
from jaxcnn.training.callbacks import Callback
from jaxcnn.training.epochs import finite_means, keep, train_epoch, validate
from jaxcnn.training.evaluation import EVALUATION_BATCH_SIZE
from jaxcnn.training.examples import Examples, evaluation_batches
from jaxcnn.training.feed import Feed, MemoryFeed
from jaxcnn.training.history import History
from jaxcnn.training.programs import Programs, compile_programs
from jaxcnn.training.progress import Silent
from jaxcnn.training.run import Run
from jaxcnn.training.state import TrainState, create_state, learning_rate_of
from jaxcnn.training.stream_programs import StreamPrograms


class Task(NamedTuple):
    """What gives a run of some key its steps, the validation set in batches with their masks, and the programs."""

    feed: Callable[[Key[Array, ""]], Feed]
    batches: list[tuple[Examples, Array]]
    programs: Programs | StreamPrograms
    compile_seconds: float


def begin_run(call: Call, model: nnx.Module, optimizer: optax.GradientTransformation, seed: int) -> Run:
    """A run of the call before its first step."""
    state = create_state(model, optimizer, call.options)
    return Run(call.plan, call.epochs, seed, state, validated=call.held_out is not None)


def prepare(call: Call, state: TrainState, key: Key[Array, ""]) -> Task:
    """Moves the sets to the device and compiles, for any state and key of the same structure."""
    examples = Examples(jnp.asarray(call.examples.images), jnp.asarray(call.examples.labels))
    batches = held_out_batches(call.held_out)
    programs, seconds = compile_programs(call.plan, state, examples, key, batches[0] if batches else None)
    return Task(partial(MemoryFeed, programs, examples), batches, programs, seconds)


def held_out_batches(held_out: Examples | None) -> list[tuple[Examples, Array]]:
    """The validation set on the device, in batches with their masks; none without one."""
    if held_out is None:
        return []
    return list(evaluation_batches(held_out, min(EVALUATION_BATCH_SIZE, len(held_out.labels))))


def train_run(
    task: Task,
    model: nnx.Module,
    run: Run,
    key: Key[Array, ""],
    report: Silent,
    callbacks: Sequence[Callback] = (),
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """From where the run stands to its end, or until it is stopped.

    The model receives each epoch's result before its validation, and where a run was restored or is stopped within an
    epoch, its state there.
    """
    if run.begun_step:
        nnx.update(model, *run.variables())
    feed = task.feed(key)
    while run.epoch < run.epochs and run.stopped is None:
        train_epoch(feed, run, report, clock, callbacks)
        means = finite_means(run.sums, run.plan, run.epoch, run.skipped)
        keep(model, task.programs.snapshot, run.state, run.plan, run.epoch, run.position)
        if run.position == run.plan.steps_per_epoch:
            row = {**means, "seconds": run.seconds, **learning_rate_of(run.state)}
            _finish_epoch(run, row | validate(task.programs.evaluation, run.state, task.batches), report, callbacks)
    if run.best is not None:
        nnx.update(model, *run.best)


def _finish_epoch(run: Run, row: dict[str, float], report: Silent, callbacks: Sequence[Callback]) -> None:
    run.finish_epoch(row)
    report.finish_epoch(run.epoch - 1, row)
    for callback in callbacks:
        callback.on_epoch_end(run, row)


def history_of(
    rows: Sequence[Mapping[str, float]], compile_seconds: float, error: str | None = None, stopped: str | None = None
) -> History:
    """The rows by column."""

    def column(name: str) -> list[float]:
        return [row[name] for row in rows if name in row]

    return History(
        loss=column("loss"),
        accuracy=column("accuracy"),
        val_loss=column("val_loss"),
        val_accuracy=column("val_accuracy"),
        seconds=column("seconds"),
        learning_rate=column("learning_rate"),
        compile_seconds=compile_seconds,
        error=error,
        stopped=stopped,
    )
