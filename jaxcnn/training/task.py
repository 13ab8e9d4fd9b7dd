"""What all runs of one call share, and one of these runs."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Key

from jaxcnn.training.call import Call
from jaxcnn.training.chunks import Plan
from jaxcnn.training.epochs import keep, train_epoch, validate
from jaxcnn.training.evaluation import EVALUATION_BATCH_SIZE
from jaxcnn.training.examples import Examples, evaluation_batches
from jaxcnn.training.history import History
from jaxcnn.training.programs import Programs, compile_programs
from jaxcnn.training.progress import Silent
from jaxcnn.training.state import TrainState


class Task(NamedTuple):
    """The sets on the device, the validation set in batches with their masks, and the programs for them."""

    epochs: int
    plan: Plan
    examples: Examples
    batches: list[tuple[Examples, Array]]
    programs: Programs
    compile_seconds: float


def prepare(call: Call, state: TrainState, key: Key[Array, ""]) -> Task:
    """Moves the sets to the device and compiles, for any state and key of the same structure."""
    examples = Examples(jnp.asarray(call.examples.images), jnp.asarray(call.examples.labels))
    batches = held_out_batches(call.held_out)
    programs, seconds = compile_programs(call.plan, state, examples, key, batches[0] if batches else None)
    return Task(call.epochs, call.plan, examples, batches, programs, seconds)


def held_out_batches(held_out: Examples | None) -> list[tuple[Examples, Array]]:
    """The validation set on the device, in batches with their masks; none without one."""
    if held_out is None:
        return []
    return list(evaluation_batches(held_out, min(EVALUATION_BATCH_SIZE, len(held_out.labels))))


def train_epochs(
    task: Task,
    model: nnx.Module,
    state: TrainState,
    key: Key[Array, ""],
    report: Silent,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[dict[str, float]]:
    """A row an epoch; the model receives each epoch's result before its validation."""
    for epoch in range(task.epochs):
        state, row = train_epoch(task.programs, task.plan, epoch, state, task.examples, key, report, clock)
        keep(model, task.programs.snapshot, state, epoch)
        row |= validate(task.programs.evaluation, state, task.batches)
        report.finish_epoch(epoch, row)
        yield row


def history_of(rows: list[dict[str, float]], compile_seconds: float, error: str | None = None) -> History:
    """The rows by column."""

    def column(name: str) -> list[float]:
        return [row[name] for row in rows if name in row]

    return History(
        loss=column("loss"),
        accuracy=column("accuracy"),
        val_loss=column("val_loss"),
        val_accuracy=column("val_accuracy"),
        seconds=column("seconds"),
        compile_seconds=compile_seconds,
        error=error,
    )
