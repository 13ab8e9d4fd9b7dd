"""The callback that saves a run, puts a saved one in its place, and ends one that is asked to stop."""

import math
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from flax import nnx

from jaxcnn.training.callbacks import Callback
from jaxcnn.training.checkpoints import folder as folders
from jaxcnn.training.checkpoints.config import Checkpoints
from jaxcnn.training.checkpoints.identity import identity_of
from jaxcnn.training.checkpoints.keeping import Keeper
from jaxcnn.training.checkpoints.run_folder import open_run_folder
from jaxcnn.training.checkpoints.signals import StopRequest, stop_request
from jaxcnn.training.checkpoints.store import About, find_newest
from jaxcnn.training.checkpoints.writer import Writer
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.run import Run
from jaxcnn.training.run_state import RunState
from jaxcnn.training.stream_call import BatchStream, ResumableStream

_PATIENCE = 1.0  # seconds


class Saver(Callback):
    """One run and its checkpoints. It begins before other callbacks, and comes after them at every boundary.

    The state of the best epoch so far waits in memory for the next save, so that short epochs don't each cost one;
    a run that goes on from an earlier checkpoint comes by that epoch again.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        train: LabeledImages | ResumableStream,
        validation: LabeledImages | None,
        options: Mapping[str, object],
    ):
        self.every, self._train, self._validation, self._options = checkpoints.every, train, validation, options
        self._checkpoints, self._folder = checkpoints, checkpoints.path
        self._writer, self._keeper = Writer(), Keeper(self._folder, checkpoints.keep)
        self._held, self._stop = ExitStack(), StopRequest()
        self._best: tuple[RunState, About] | None = None
        self._saved: tuple[int, int] | None = None

    def on_train_begin(self, run: Run) -> None:
        """Everything that may be refused is refused here, before anything compiles."""
        with ExitStack() as stack:
            stack.enter_context(open_run_folder(self._folder))
            self._identity = identity_of(run, self._train, self._validation, self._options)
            self._model = _class_of(run)
            self._resume(run)
            self._stop = stack.enter_context(stop_request())
            self._held = stack.pop_all()

    def on_chunk_end(self, run: Run) -> None:
        """Save where a save is due; at the end of an epoch that waits for its metrics."""
        # While the device works on this chunk: a save that is still under way is one that a kill would lose.
        self._writer.wait(_PATIENCE)
        if run.position < run.plan.steps_per_epoch:
            self._boundary(run, due=run.step % self._checkpoints.every == 0)

    def on_epoch_end(self, run: Run, row: Mapping[str, float]) -> None:
        """The same, and remember the state where this epoch is the best so far."""
        if _monitored(row) < min(map(_monitored, run.rows[:-1]), default=math.inf):
            self._best = run.snapshot(), self._about(run, _monitored(row))
        self._boundary(run, due=run.step % self._checkpoints.every == 0, monitored=_monitored(row))

    def on_train_end(self, run: Run) -> None:
        """The last save, where nothing has gone wrong; then the lock is released."""
        with self._held:
            if run.error is not None:
                self._writer.wait()
            elif self._saved == (run.step, run.epoch):
                self._writer.finish()
            else:
                self._save(run, _monitored(run.rows[-1]) if run.rows and not run.position else None)
                self._writer.finish()
            if run.error is None and self._stop.signal is not None:
                raise self._stop.exception()

    def _boundary(self, run: Run, *, due: bool, monitored: float | None = None) -> None:
        self._writer.check()
        asked = self._stop.signal is not None
        if due or asked:
            self._save(run, monitored)
        if asked:
            self._writer.finish()
            raise self._stop.exception()

    def _save(self, run: Run, monitored: float | None) -> None:
        """Hand copies of the state, and of the best one before it, to the background."""
        states = [(run.snapshot(), self._about(run, monitored))]
        if self._best is not None and self._best[0].record.step != run.step:
            states.insert(0, self._best)
        self._best, self._saved = None, (run.step, run.epoch)
        self._writer.submit(partial(self._keeper.write, states))

    def _resume(self, run: Run) -> None:
        if not self._checkpoints.resume:
            if steps := folders.steps_in(self._folder):
                raise ValueError(
                    f"the folder {self._folder} holds checkpoints already, the newest of step {steps[0]};"
                    " go on from it with resume, or name another folder"
                )
            return
        found = find_newest(self._folder, lambda best: run.template(best=best), self._identity, _tell)
        if found is not None:
            self._check_epochs(run, len(found.record.rows))
            run.restore(found.arrays, found.record)
            self._keeper.look()
            self._saved = run.step, run.epoch
            if found.manifest.stopped is not None:
                run.stop(found.manifest.stopped)

    def _check_epochs(self, run: Run, done: int) -> None:
        if done > run.epochs:
            raise ValueError(
                f"epochs must be at least {done}, as many as the run in {self._folder} has trained, got {run.epochs};"
                " give more, or name another folder"
            )

    def _about(self, run: Run, monitored: float | None) -> About:
        return About(self._identity, self._model, run.stopped, monitored)


def make_saver(
    checkpoints: object,
    train: LabeledImages | BatchStream,
    validation: LabeledImages | None,
    options: Mapping[str, object] | None = None,
) -> tuple[Saver, ...]:
    """The callback for what `fit` or `fit_stream` was given, or none; `options` are added to the caller's own.

    Raises:
      TypeError: it was given something else, or a stream that can't be put back.
    """
    if checkpoints is None:
        return ()
    if not isinstance(checkpoints, Checkpoints):
        raise TypeError(f"checkpoints must be a training.Checkpoints or None, got {type(checkpoints).__name__}")
    if isinstance(train, BatchStream) and not isinstance(train, ResumableStream):
        raise TypeError(
            "checkpoints need a stream that tells its state() and can be put back by seek(position), as"
            f" jaxcnn.data.stream's, got {type(train).__name__}"
        )
    return (Saver(checkpoints, train, validation, {**(options or {}), **checkpoints.options}),)


def _class_of(run: Run) -> str:
    state = run.template().state
    return type(nnx.merge(state.graphdef, state.params, state.other)).__name__


def _monitored(row: Mapping[str, float]) -> float:
    return row.get("val_loss", row["loss"])


def _tell(sentence: str) -> None:
    sys.stderr.write(f"note: {sentence}\n")
    sys.stderr.flush()
