"""Saving behind training: one save at a time, in a thread of its own, whose errors the thread that trains gets."""

import threading
from collections.abc import Callable


class Writer:
    """Runs one task after another in the background; whoever trains hands them over and goes on."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def submit(self, task: Callable[[], object]) -> None:
        """Begin the task, once the one before it has ended.

        Raises:
          Exception: what ended the one before.
        """
        self.finish()
        self._thread = threading.Thread(target=self._run, args=(task,), name="jaxcnn checkpoint", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended a task; doesn't wait."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def wait(self, seconds: float | None = None) -> None:
        """Return when no task is under way, or when the seconds are over."""
        if self._thread is not None:
            self._thread.join(seconds)

    def finish(self) -> None:
        """`wait`, and raise what ended a task."""
        self.wait()
        self.check()

    def _run(self, task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:
            self._error = error
