"""Which checkpoints stay: the last ones, and the best."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxcnn.training.checkpoints import folder as folders
from jaxcnn.training.checkpoints.store import About, is_finite, monitored_in, write_checkpoint
from jaxcnn.training.run_state import RunState


class Keeper:
    """The checkpoints of one folder, as they are written and deleted behind training."""

    def __init__(self, folder: Path, keep: int):
        self._folder, self._keep = folder, keep
        self._known: dict[int, float | None] = {}

    def look(self) -> None:
        """Count those that are there, for a run that goes on."""
        self._known = monitored_in(self._folder)

    def write(self, states: Sequence[tuple[RunState, About]]) -> None:
        """Write the states, one after the other, and delete what each makes superfluous.

        Raises:
          OSError: one can't be written; says that earlier ones are whole.
        """
        for state, about in states:
            # Where it isn't finite, the loop finds the batch that broke it at its next look.
            if is_finite(state):
                self._write_one(state, about)

    def _write_one(self, state: RunState, about: About) -> None:
        try:
            write_checkpoint(self._folder, state, about)
            self._known[state.record.step] = about.monitored
            for step in superfluous(self._known, self._keep):
                folders.discard(self._folder, step)
                del self._known[step]
        except OSError as error:
            raise OSError(
                error.errno,
                f"the checkpoint of step {state.record.step} can't be saved ({error.strerror or error});"
                " earlier ones are whole: make room, then go on from them with resume",
                str(self._folder),
            ) from error


def superfluous(monitored: Mapping[int, float | None], keep: int) -> list[int]:
    """The steps to delete: neither among the last `keep` nor the best, the earlier one of equals."""
    last = set(sorted(monitored)[-keep:])
    measured = [(value, step) for step, value in monitored.items() if value is not None and not math.isnan(value)]
    best = {min(measured)[1]} if measured else set()
    return sorted(monitored.keys() - last - best)
