"""A run under way: where it stands, what it holds, and how it is copied, put in its place and stopped."""

from typing import Any

import jax
from flax import nnx

from jaxcnn.training.chunks import Plan
from jaxcnn.training.leaves import differing_leaves
from jaxcnn.training.metrics import Metrics, mean_metrics, zero_metrics
from jaxcnn.training.run_state import Arrays, Record, RunState, capture
from jaxcnn.training.state import TrainState, copy_leaves, snapshot

_MEASURED = ("loss", "accuracy", "seconds")
_VALIDATED = ("val_loss", "val_accuracy")


class Run:
    """A run at the boundary between two chunks, as callbacks see it: to be read, but for `notes` and `best`.

    Attributes:
      plan: how epochs fall into batches and chunks.
      epochs: passes over the set that were asked for.
      seed: of the shuffles.
      first: batches that the stream had given out before the run; 0 for a set in memory.
      metrics: what a row holds: loss, accuracy, seconds, and val_loss and val_accuracy where there is a validation set.
      step: absolute steps taken or under way: batches, whether or not each makes an update. Where a stream stood
        within an epoch, those of it that came before count as well.
      begun_step, begun_epoch: `step` and `epoch` that the run was put at by `restore`; 0 where it was not.
      rows: the metrics of each finished epoch.
      state: parameters, other model state and optimizer state on the device, after `step` steps. The next chunk takes
        its buffers: what is to last longer comes from `variables`, `model` or `snapshot`, which copy.
      sums: loss and correct answers of the epoch that the run stands in, on the device.
      seconds: of training in that epoch.
      notes: what callbacks remember, by their names, in values that go to JSON; saved with the run.
      best: variables that the model receives at the end in place of the last ones, or None; saved with the run.
      stopped: why the run was stopped, or None.
      error: the exception that ended it, or None.
    """

    def __init__(
        self, plan: Plan, epochs: int, seed: int, state: TrainState, *, validated: bool = False, first: int = 0
    ):
        self.plan, self.epochs, self.seed, self.state = plan, epochs, seed, state
        self.sums: Metrics = jax.device_put(zero_metrics())
        self.metrics = _MEASURED + _VALIDATED * validated
        self.first, self.step, self.seconds = first, first % plan.steps_per_epoch, 0.0
        self.begun_step, self.begun_epoch = 0, 0
        self.rows: list[dict[str, float]] = []
        self.notes: dict[str, Any] = {}
        self.best: Any = None
        self.stopped: str | None = None
        self.error: BaseException | None = None

    @property
    def epoch(self) -> int:
        """The epoch that the run stands in, counted from 0: the number of finished ones."""
        return len(self.rows)

    @property
    def position(self) -> int:
        """Batches of that epoch taken or under way; at `plan.steps_per_epoch` all are, and the epoch ends next."""
        return self.step - self.epoch * self.plan.steps_per_epoch

    @property
    def skipped(self) -> int:
        """Batches of that epoch which are not the run's: they came before it."""
        return 0 if self.rows else self.first % self.plan.steps_per_epoch

    def stop(self, why: str) -> None:
        """Ends the run at this boundary; the model receives the state as it is. The first reason given counts."""
        self.stopped = self.stopped or why

    def means(self) -> dict[str, float]:
        """Loss and accuracy of the epoch that the run stands in, so far; waits for the device. Empty at its start."""
        return mean_metrics(self.sums) if self.position > self.skipped else {}

    def variables(self) -> tuple[Any, Any]:
        """Copies of the model's variables, parameters and others, as `nnx.update(model, *variables)` takes them."""
        return _jitted_snapshot(self.state)[0]

    def model(self) -> nnx.Module:
        """A model of its own with the variables of this moment."""
        return nnx.merge(self.state.graphdef, *self.variables())

    def snapshot(self) -> RunState:
        """A copy of everything, from which `restore` goes on bit-identically; doesn't wait for the device."""
        state, sums, finite = _jitted_capture(self.state, self.sums)
        record = Record(
            step=self.step,
            rows=[dict(row) for row in self.rows],
            seconds=self.seconds,
            notes=dict(self.notes),
            seed=self.seed,
            examples=self.plan.examples,
            batch_size=self.plan.batch_size,
            has_best=self.best is not None,
            first=self.first,
        )
        return RunState(Arrays(state, sums, self.best), record, finite)

    def template(self, *, best: bool = False) -> Arrays:
        """The structure, shapes and dtypes of `snapshot().arrays`, with or without a best model; allocates nothing."""
        state, sums, _ = jax.eval_shape(capture, self.state, self.sums)
        variables, _ = jax.eval_shape(snapshot, self.state)
        return Arrays(state, sums, variables if best else None)

    def restore(self, arrays: Arrays, record: Record) -> None:
        """Puts the run where another was when it was copied; only before the first step, in `on_train_begin`.

        Raises:
          ValueError: the run is under way, or the copy is of another model, optimizer, set, batch size or seed.
        """
        if self.position != self.skipped or self.rows:
            raise ValueError(f"a run is restored before its first step, got step {self.step}; start another run")
        identity = {"seed": self.seed, "examples": self.plan.examples, "batch_size": self.plan.batch_size}
        for name, mine in identity.items():
            if mine != getattr(record, name):
                raise ValueError(f"{name} must be the saved run's, {getattr(record, name)}, got {mine}; start another")
        template = self.template(best=record.has_best)
        if different := differing_leaves(template, arrays):
            raise ValueError(f"the saved run differs from this one: {'; '.join(different)}; build the model it was of")
        leaves = jax.tree.leaves(arrays)
        self.state, self.sums, self.best = _jitted_copy(jax.tree.unflatten(jax.tree.structure(template), leaves))
        self.first, self.step, self.seconds = record.first, record.step, record.seconds
        self.rows = [dict(row) for row in record.rows]
        self.begun_step, self.begun_epoch, self.notes = self.step, self.epoch, dict(record.notes)

    def advance(self, state: TrainState, sums: Metrics, steps: int, seconds: float) -> None:
        """Where the run stands after a chunk; for the loop that trains."""
        self.state, self.sums, self.step, self.seconds = state, sums, self.step + steps, seconds

    def finish_epoch(self, row: dict[str, float]) -> None:
        """The epoch's metrics, and sums of nothing for the next; for the loop that trains."""
        self.rows.append(row)
        self.sums, self.seconds = jax.device_put(zero_metrics()), 0.0


_jitted_capture = jax.jit(capture)
_jitted_snapshot = jax.jit(snapshot)
_jitted_copy = jax.jit(copy_leaves)
