"""What keeps a set from being prepared, in one sentence with the way out."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from jaxcnn.data.local_files import LAYOUTS
from jaxcnn.data.published import Published

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextlib.contextmanager
def explained(published: Published, root: Path, clear: Callable[[], None]) -> Iterator[None]:
    """What goes wrong inside is told in a sentence that says what to do; `clear` makes room on a full disk.

    Raises:
      ConnectionError, OSError: in these words.
    """
    try:
        yield
    except ConnectionError as error:
        raise ConnectionError(_offline(published, error)) from error
    except Exception as error:
        if _is_full_disk(error):
            clear()
            raise OSError(
                f"{published.name} can't be prepared, as the disk of {root} is full; free some space or name a folder "
                "on another disk by XDG_CACHE_HOME: nothing half-written is left."
            ) from error
        if _is_not_writable(error, root):
            raise OSError(
                f"{published.name} can't be prepared, as the cache folder {root} can't be written to ({error}); "
                "name another one by XDG_CACHE_HOME."
            ) from error
        if isinstance(error, RuntimeError):  # array_record's, for what keeps it from writing
            reason = " ".join(str(error).split())
            raise OSError(f"{published.name} can't be prepared, as it can't be written ({reason}).") from error
        raise


def _offline(published: Published, error: ConnectionError) -> str:
    name, debian = published.name, ""
    if name == "fashion_mnist":
        debian = "install Debian's package dataset-fashion-mnist, which is found by itself, "
    return (
        f"{name} can't be downloaded, as {error}; without a network give a folder that holds "
        f"{published.family}/{LAYOUTS[name].offline} by --data-dir, {debian}"
        "or train on a sample that ships with jaxcnn (mnist, fashion_mnist)."
    )


def _is_full_disk(error: BaseException | None) -> bool:
    # The writer of array_record has no errno, only the system's words.
    if error is None:
        return False
    numbered = isinstance(error, OSError) and error.errno in _FULL
    return numbered or any(os.strerror(code) in str(error) for code in _FULL) or _is_full_disk(error.__cause__)


def _is_not_writable(error: Exception, root: Path) -> bool:
    # An unreadable source is no fault of the cache folder: what failed must lie in it, or above it.
    if not isinstance(error, OSError) or error.errno not in _NOT_WRITABLE or error.filename is None:
        return False
    failed = Path(error.filename)
    return failed.is_relative_to(root) or root.is_relative_to(failed)
