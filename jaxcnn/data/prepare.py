"""Preparing a named set once, from a download or local files: whole in its place, or not there."""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from jaxcnn.data import prepared
from jaxcnn.data.builders import write_set
from jaxcnn.data.download import fetch
from jaxcnn.data.layout import SPLITS
from jaxcnn.data.load import local_folder
from jaxcnn.data.local_files import LAYOUTS, read_split
from jaxcnn.data.published import PUBLISHED, Published
from jaxcnn.locking import exclusive

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def prepare(
    name: str, *, data_dir: str | os.PathLike[str] | None = None, tell: Callable[[str], object] = print
) -> Path:
    """Prepares a set as `load` then finds it, in the user's cache folder; one that is there already is left alone.

    The images come from the files under `data_dir`, else from JAXCNN_DATA_DIR or Debian's package, else from the
    network. A second preparation of the same set waits for the first. What one that was killed has left is removed
    first, but for downloads, which are gone on with.

    Args:
        name: mnist, fashion_mnist, kmnist, cifar10, or emnist/ with byclass, bymerge, balanced, letters, digits or
            mnist.
        data_dir: a folder as `load` takes it, or None.
        tell: gets sentences such as that another preparation is waited for.

    Returns:
        The prepared folder.

    Raises:
        ValueError: another name, a `data_dir` without the set, files that are damaged or of another checksum.
        ConnectionError: no network; the sentence names the ways without one.
        OSError: a full disk, or a folder that can't be written to.
    """
    if name not in PUBLISHED:
        raise ValueError(f"name must be one of {', '.join(sorted(PUBLISHED))}, got {name!r}.")
    published, source = PUBLISHED[name], local_folder(name, data_dir)
    root = _root()
    with _explained(published, root):
        root.mkdir(parents=True, exist_ok=True)
        # One lock a family, as its sets share a download.
        lock = root / f".{published.family}.lock"
        with exclusive(lock, lambda: tell(f"Another process prepares {published.family}; waiting for it.")):
            return _prepare_alone(published, source, root, tell)


def downloads() -> Iterator[Path]:
    """The folders of downloads that broke off, or are kept for other sets, each by the name of its sets."""
    with contextlib.suppress(RuntimeError, OSError):  # no home, or no folder yet
        yield from sorted(folder for folder in _downloads(prepared.own_folder()).iterdir() if any(folder.iterdir()))


def _root() -> Path:
    try:
        return prepared.own_folder()
    except RuntimeError as error:
        raise OSError(f"{error} Prepared sets need a cache folder: name one by XDG_CACHE_HOME.") from error


def _prepare_alone(published: Published, source: Path | None, root: Path, tell: Callable[[str], object]) -> Path:
    folder = root / published.name / published.version
    if prepared.is_whole(folder):
        tell(f"{published.name} is prepared already in {folder}; remove that folder to prepare it anew.")
        return folder
    if folder.exists():
        raise ValueError(f"{folder} must be a prepared set or absent, got one that is not whole; remove it.")
    _prepare(published, source, root, folder)
    _clear_downloads(published, root, tell)
    return folder


def _prepare(published: Published, source: Path | None, root: Path, folder: Path) -> None:
    staging = root / f".{published.family}.staging"
    _remove(staging)
    try:
        files = source or _downloaded(published, _downloads(root) / published.family)
        origin = str(source) if source else published.files[0].url.rpartition("/")[0]
        written = _written(published, files, staging, origin)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(written, folder)
    finally:
        _remove(staging)


def _written(published: Published, files: Path, staging: Path, origin: str) -> Path:
    splits = {split: read_split(files, published.name, split, "full") for split in SPLITS}
    staging.mkdir()
    with _bar(f"{published.name}: writing", sum(map(len, splits.values()))) as advance:
        return write_set(staging, published, splits, origin, lambda: advance(1))


def _downloads(root: Path) -> Path:
    return root / ".downloads"


def _downloaded(published: Published, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with _bar(f"{published.name}: downloading", sum(file.size for file in published.files)) as advance:
        for file in published.files:
            fetch(file, folder, advance)
    return folder


def _clear_downloads(published: Published, root: Path, tell: Callable[[str], object]) -> None:
    folder = _downloads(root) / published.family
    family = (other for other in PUBLISHED.values() if other.family == published.family)
    left = [other.name for other in family if not prepared.is_whole(root / other.name / other.version)]
    if not left:
        _remove(folder)
    elif folder.exists():
        tell(f"{folder} is kept, as {', '.join(left)} can be prepared from it too; remove it if you don't need them.")


@contextlib.contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    # The stream itself, since TFDS's own output is kept off sys.stderr meanwhile.
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    bar = Progress(*columns, TimeRemainingColumn(), console=console, redirect_stdout=False, redirect_stderr=False)
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextlib.contextmanager
def _explained(published: Published, root: Path) -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise ConnectionError(_offline(published, error)) from error
    except Exception as error:
        if _is_full_disk(error):
            _remove(_downloads(root) / published.family)
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


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
