"""Ending a run that no longer improves."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

from jaxcnn.training.callbacks import Callback
from jaxcnn.training.checks import check_flag, check_integer
from jaxcnn.training.options import check_number
from jaxcnn.training.run import Run

_BETTER_WHEN = {"loss": "min", "val_loss": "min", "accuracy": "max", "val_accuracy": "max"}


@dataclasses.dataclass(frozen=True)
class EarlyStopping(Callback):
    """Ends a run after epochs without improvement, and may give the model the best epoch's variables.

    What it remembers is saved with the run, so that a resumed run stops where one never interrupted does.

    Attributes:
      monitor: "val_loss", "val_accuracy", "loss" or "accuracy".
      patience: epochs in a row without improvement after which the run ends; 0 means as much as 1, as in Keras.
      min_delta: what a change must exceed to be an improvement.
      restore_best: at the end the model receives the variables of its best epoch, also where nothing was stopped.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: `monitor` is no such name, or `val_...` without a validation set; a number is out of its range.
    """

    monitor: Literal["val_loss", "val_accuracy", "loss", "accuracy"] = "val_loss"
    patience: int = 0
    min_delta: float | int = 0.0
    restore_best: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str) or self.monitor not in _BETTER_WHEN:
            raise ValueError(f"monitor must be one of {', '.join(_BETTER_WHEN)}, got {self.monitor!r}")
        check_integer("patience", self.patience, minimum=0)
        check_flag("restore_best", self.restore_best)
        if not 0 <= check_number("min_delta", self.min_delta) < math.inf:
            raise ValueError(f"min_delta must be finite and at least 0, got {self.min_delta}")

    def on_train_begin(self, run: Run) -> None:
        if self.monitor not in run.metrics:
            raise ValueError(
                f"monitor is {self.monitor!r}, but the run has {', '.join(run.metrics)} alone; pass validation=, or"
                " monitor the loss"
            )

    def on_epoch_end(self, run: Run, row: Mapping[str, float]) -> None:
        # Two that watch the same with another patience share a note, which the first of them writes.
        name = f"early_stopping/{self.monitor}" + f"/{self.min_delta}" * bool(self.min_delta)
        value, before = row[self.monitor], run.notes.get(name)
        if before is None or before["epoch"] == run.epoch or self._is_better(value, before["value"]):
            run.notes[name] = {"value": value, "epoch": run.epoch}
            run.best = run.variables() if self.restore_best else run.best
        elif run.epoch - before["epoch"] >= self.patience:
            run.stop(
                f"{self.monitor} has not improved for {run.epoch - before['epoch']} epochs;"
                f" its best was {before['value']:.4g} in epoch {before['epoch']}"
            )

    def _is_better(self, value: float, best: float) -> bool:
        gain = best - value if _BETTER_WHEN[self.monitor] == "min" else value - best
        return gain > self.min_delta or (math.isnan(best) and not math.isnan(value))
