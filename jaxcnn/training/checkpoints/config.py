"""What `fit` is told about checkpoints."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from jaxcnn.training.checks import check_flag, check_integer


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """Where a run is saved, how often, and whether it goes on from there.

    A run that goes on reaches the same bits as one that was never interrupted, on the same versions and device. Saves
    happen behind training. Ctrl-C and SIGTERM save at the next end of a chunk, and then end the run.

    Attributes:
      folder: for the checkpoints of this run alone; made where there is none. One run at a time may use it.
      every: steps between two saves.
      keep: how many of the last checkpoints are kept; the best one (by val_loss, or loss without a validation set,
        at the ends of epochs) is kept besides.
      resume: go on from the newest whole checkpoint, or begin where there is none; without it a folder that holds
        checkpoints is refused.
      options: what else must be the same in a run that goes on, such as the learning rate, by name.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: a number below 1.
    """

    folder: str | os.PathLike[str]
    every: int
    keep: int = 3
    resume: bool = False
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike):
            raise TypeError(f"folder must be a path, got {type(self.folder).__name__}")
        check_integer("every", self.every, minimum=1)
        check_integer("keep", self.keep, minimum=1)
        check_flag("resume", self.resume)
        if not isinstance(self.options, Mapping) or not all(isinstance(name, str) for name in self.options):
            raise TypeError(f"options must be a mapping of names to values, got {type(self.options).__name__}")

    @property
    def path(self) -> Path:
        """The folder from the root on: orbax takes no other, and a program may go elsewhere while it trains."""
        return Path(self.folder).absolute()
