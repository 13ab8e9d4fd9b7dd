"""Files that can't be read: what the system says of them, and the way out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def readable(path: str | os.PathLike[str]) -> Iterator[None]:
    """An OSError from within names the file, and says what to do; errors of other kinds pass."""
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error}; make it a file that can be read, or remove it"
        raise type(error)(error.errno, reason, os.fspath(path)) from error
