"""One process at a time, by a lock of the operating system, which ends with its holder however that dies."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def exclusive(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Holds the lock on `path`, a file that is made and stays, while the body runs.

    Args:
        path: in a folder that exists.
        waiting: called once, before waiting, where another process or thread holds the lock; what it raises ends the
            wait before it begins.

    Raises:
        OSError: a file that can't be made.
    """
    with open(path, "a+b") as file:
        if not _locked(file.fileno(), wait=False):
            waiting()
            while not _locked(file.fileno(), wait=True):
                pass
        yield  # closing the file unlocks it


def _locked(file: int, *, wait: bool) -> bool:
    try:
        _lock(file, wait=wait)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):  # held by another, in each system's words
            raise
        return False
    return True


def _lock(file: int, *, wait: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
