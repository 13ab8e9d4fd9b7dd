"""Runs side by side on the host's threads: one step of a small network does not keep all cores busy."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from jaxcnn.training.progress import Silent

Result = TypeVar("Result")


def side_by_side(runs: Sequence[Callable[[], Result]], stop: threading.Event) -> list[Result]:
    """The results of all runs, as many at a time as there are cores.

    An interrupt or a run's exception sets `stop`, cancels the runs that wait, and goes on to the caller when those
    under way have ended.
    """
    with ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(run) for run in runs]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [error for future in done if (error := future.exception())]
            if failed:
                raise failed[0]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


class Stopped(Exception):  # noqa: N818 - it ends a run that did nothing wrong
    """Another run failed, or the user interrupted."""


class Stoppable(Silent):
    """A report that ends its run at the next look at the progress once `stop` is set."""

    def __init__(self, report: Silent, stop: threading.Event):
        self.report, self.stop = report, stop

    def advance(self, epoch: int, means: Mapping[str, float], examples: int, seconds: float) -> None:
        self._check()
        self.report.advance(epoch, means, examples, seconds)

    def finish_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self._check()
        self.report.finish_epoch(epoch, row)

    def _check(self) -> None:
        if self.stop.is_set():
            raise Stopped


class SharedClock:
    """Seconds that n runs share: each gets 1/n of the wall clock's, so that the runs' seconds add up to it."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock, self._lock = clock, threading.Lock()
        self._runs, self._shared, self._looked = 0, 0.0, clock()

    def __call__(self) -> float:
        """A run's share so far; differences mean something within `running` alone."""
        return self._count(0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """One more run takes part."""
        self._count(+1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> float:
        with self._lock:
            now = self._clock()
            self._shared += (now - self._looked) / max(self._runs, 1)
            self._looked, self._runs = now, self._runs + change
            return self._shared
