"""Metrics for TensorBoard."""

import dataclasses
import importlib
import os
from collections.abc import Mapping
from typing import Any

from jaxcnn.training.callbacks import Callback
from jaxcnn.training.run import Run
from jaxcnn.training.step_means import is_due, means_since


@dataclasses.dataclass
class TensorBoard(Callback):
    """Writes event files with `epoch/loss`, `epoch/val_loss` and so on, and `steps/loss` every so many steps.

    The horizontal axis is the absolute step. A resumed run hides in TensorBoard what it does anew.

    Attributes:
      directory: made where it does not exist.
      every: steps between two values of `steps/loss` and `steps/accuracy`; None for those of epochs alone.

    Raises:
      ModuleNotFoundError: tensorboardX is missing; raised before training.
    """

    directory: str | os.PathLike[str]
    every: int | None = None
    _writer: Any = dataclasses.field(default=None, init=False, repr=False)

    def on_train_begin(self, run: Run) -> None:
        _writer_class()

    def on_chunk_end(self, run: Run) -> None:
        if is_due(run, self.every):
            self._write(run, "steps", means_since(run, f"tensorboard/{self.every}"))

    def on_epoch_end(self, run: Run, row: Mapping[str, float]) -> None:
        self._write(run, "epoch", row)

    def on_train_end(self, run: Run) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, run: Run, group: str, values: Mapping[str, float]) -> None:
        if self._writer is None:
            anew = run.begun_step + 1 if run.begun_step else None
            self._writer = _writer_class()(os.fspath(self.directory), purge_step=anew)
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, run.step)
        self._writer.flush()


def _writer_class() -> Any:
    try:
        return importlib.import_module("tensorboardX").SummaryWriter
    except ModuleNotFoundError as error:
        if error.name != "tensorboardX":
            raise
        raise ModuleNotFoundError(
            "TensorBoard needs the package tensorboardX; run pip install 'jaxcnn[tensorboard]', or use JSONLines"
        ) from error
