"""Metrics as JSON lines."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from jaxcnn.files import write_atomically
from jaxcnn.training.callbacks import Callback
from jaxcnn.training.run import Run
from jaxcnn.training.step_means import is_due, means_since


@dataclasses.dataclass
class JSONLines(Callback):
    """Writes a line an epoch, `{"epoch": 1, "step": 938, "loss": …, "seconds": …}`, and one every so many steps.

    A line of steps has `step`, `loss` and `accuracy` (means over the steps since the line before, within the epoch) and
    no `epoch`. Each line is in the file before training goes on; NaN and infinity, which JSON lacks, are null. It comes
    before a callback that saves the run, so that what is saved has its lines.

    Attributes:
      path: the file; its folder exists.
      every: steps between two lines of steps; None for lines of epochs alone.
      append: go on in an existing file, without the lines that the run writes anew. Otherwise a file with content is
        refused.

    Raises:
      FileExistsError: the file has content and `append` is false.
      OSError: the file cannot be written; raised before training.
      ValueError: what is to be gone on in holds other things than such lines.
    """

    path: str | os.PathLike[str]
    every: int | None = None
    append: bool = False
    _goes_on: bool = dataclasses.field(default=False, init=False, repr=False)

    def on_train_begin(self, run: Run) -> None:
        path = Path(self.path)
        if path.is_dir():
            raise IsADirectoryError(f"path must be a file for the metrics, got the folder {path}; name a file in it")
        if not self.append and path.exists() and path.stat().st_size:
            raise FileExistsError(
                f"{path} holds the metrics of an earlier run; choose another path, or pass append=True to go on in it"
            )
        path.open("ab").close()
        self._goes_on = self.append

    def on_chunk_end(self, run: Run) -> None:
        if is_due(run, self.every):
            means = means_since(run, f"json_lines/{Path(self.path).name}/{self.every}")
            self._write(run, {"step": run.step, **means})

    def on_epoch_end(self, run: Run, row: Mapping[str, float]) -> None:
        self._write(run, {"epoch": run.epoch, "step": run.step, **row})

    def _write(self, run: Run, line: Mapping[str, float | int]) -> None:
        path = Path(self.path)
        if self._goes_on:  # not before the first line: callbacks after this one may restore the run
            _drop_what_comes_anew(path, run)
            self._goes_on = False
        text = json.dumps({name: value if math.isfinite(value) else None for name, value in line.items()})
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")


def _drop_what_comes_anew(path: Path, run: Run) -> None:
    """Leaves the lines up to where the run was put; a last line that was torn off goes too."""
    found = path.read_text(encoding="utf-8")
    whole = [line for line in found.splitlines(keepends=True) if line.endswith("\n")]
    kept = "".join(line for number, line in enumerate(whole, 1) if _is_done(path, number, line, run))
    if kept != found:
        write_atomically(path, kept)


def _is_done(path: Path, number: int, line: str, run: Run) -> bool:
    try:
        row = json.loads(line)
        return row["step"] <= run.begun_step and row.get("epoch", 0) <= run.begun_epoch
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"line {number} of {path} must be a JSON object with a step, got {line[:60]!r}; choose another path"
        ) from error
