"""Ctrl-C and SIGTERM ask a run to stop at its next boundary; a second one stops at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class StopRequest:
    """Whether a signal has come, and the exception that then ends the run: KeyboardInterrupt, or SystemExit(143)."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """The signal's handler."""
        if self.signal is not None:
            self.signal = signum
            raise self.exception()
        self.signal = signum
        # Not through sys.stderr, which the interrupted code may be writing to.
        os.write(2, f"\n{_NAMES[signal.Signals(signum)]}: saving, then stopping; once more stops at once\n".encode())

    def exception(self) -> BaseException:
        """What ends the run."""
        return KeyboardInterrupt() if self.signal == signal.SIGINT else SystemExit(128 + signal.SIGTERM)


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Catches both signals while the body runs; only the main thread can, elsewhere they do what they did before."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request) for number in _NAMES}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
