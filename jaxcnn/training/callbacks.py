"""What may watch a run of `fit`, and end it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from jaxcnn.training.run import Run


class Callback:
    """Watches a run, as in Keras; subclasses refine what they need.

    A callback looks at the run and may ask it to stop (`run.stop("why")`). What it must remember across an interrupted
    and resumed run goes to `run.notes`, which is saved with the run. Its calls come from the thread that trains; the
    device works on while they last, until its next chunk would begin.

    Attributes:
      every: chunks also end at the multiples of this many steps, so that `on_chunk_end` is called there; None for no
        such wish. It changes no result.
    """

    every: int | None = None

    def on_train_begin(self, run: Run) -> None:
        """Before anything compiles. A saved run is put in its place here, by `run.restore`."""

    def on_chunk_end(self, run: Run) -> None:
        """After each call of the compiled program: its steps are under way, and `run.state` follows them."""

    def on_epoch_end(self, run: Run, row: Mapping[str, float]) -> None:
        """After an epoch and its validation; `row` has loss, accuracy, seconds, val_loss and val_accuracy."""

    def on_train_end(self, run: Run) -> None:
        """Last of all, also after an exception or an interrupt, which is then in `run.error`."""


@contextmanager
def watched(run: Run, callbacks: Sequence[Callback]) -> Iterator[None]:
    """Begins and ends the callbacks around the run; whatever ends it, each that was begun is ended."""
    with ExitStack() as begun:
        try:
            for callback in callbacks:
                callback.on_train_begin(run)
                begun.callback(callback.on_train_end, run)
            yield
        except BaseException as error:
            run.error = error
            raise
