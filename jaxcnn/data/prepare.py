"""Preparing a named set once, from a download or local IDX files: whole in its place, or not there."""

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
from jaxcnn.data.idx_folder import PREFIXES, read_split
from jaxcnn.data.load import local_folder
from jaxcnn.data.locking import exclusive
from jaxcnn.data.published import PUBLISHED, Published


def prepare(
    name: str, *, data_dir: str | os.PathLike[str] | None = None, tell: Callable[[str], object] = print
) -> Path:
    """Prepares a set as `load` then finds it, in the user's cache folder; one that is there already is left alone.

    The images come from the IDX files under `data_dir`, else from JAXCNN_DATA_DIR or Debian's package, else from the
    network. A second preparation of the same set waits for the first. What one that was killed has left is removed
    first, but for downloads, which are gone on with.

    Args:
        name: mnist, fashion_mnist or kmnist.
        data_dir: a folder with NAME/*-ubyte.gz, or None.
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
    root = prepared.own_folder()
    root.mkdir(parents=True, exist_ok=True)
    with exclusive(root / f".{name}.lock", lambda: tell(f"Another process prepares {name}; waiting for it.")):
        folder = root / name / published.version
        if prepared.is_whole(folder):
            tell(f"{name} is prepared already in {folder}; remove that folder to prepare it anew.")
            return folder
        with _explained(name, root), _progress() as progress:
            _prepare(published, source, root, folder, progress)
    return folder


def _prepare(published: Published, source: Path | None, root: Path, folder: Path, progress: Progress) -> None:
    if folder.exists():
        raise ValueError(f"{folder} must be a prepared set or absent, got one that is not whole; remove it.")
    staging = root / f".{published.name}.staging"
    downloads = root / ".downloads" / published.name
    _remove(staging)
    try:
        files = source or _downloaded(published, downloads, progress)
        origin = str(source) if source else published.files[0].url.rpartition("/")[0]
        written = _written(published, files, staging, origin, progress)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(written, folder)
    finally:
        _remove(staging)
    _remove(downloads)


def _written(published: Published, files: Path, staging: Path, origin: str, progress: Progress) -> Path:
    splits = {split: read_split(files, published.name, split, "full") for split in PREFIXES}
    staging.mkdir()
    task = progress.add_task(f"{published.name}: writing", total=sum(map(len, splits.values())))
    return write_set(staging, published, splits, origin, lambda: progress.advance(task))


def _downloaded(published: Published, folder: Path, progress: Progress) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    task = progress.add_task(f"{published.name}: downloading", total=sum(file.size for file in published.files))
    for file in published.files:
        fetch(file, folder, lambda count: progress.advance(task, count))
    return folder


def _progress() -> Progress:
    # The stream itself, since TFDS's own output is kept off sys.stderr meanwhile.
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    return Progress(*columns, TimeRemainingColumn(), console=console, redirect_stdout=False, redirect_stderr=False)


@contextlib.contextmanager
def _explained(name: str, root: Path) -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise ConnectionError(
            f"{name} can't be downloaded, as {error}; without a network give a folder that holds {name}/*-ubyte.gz by "
            "--data-dir (for fashion_mnist, Debian's package dataset-fashion-mnist is found by itself), "
            "or train on the sample that ships with jaxcnn (mnist, fashion_mnist)."
        ) from error
    except Exception as error:
        if not _is_full_disk(error):
            raise
        _remove(root / ".downloads" / name)
        raise OSError(
            f"{name} can't be prepared, as the disk of {root} is full; free some space or name a folder on another "
            "disk by XDG_CACHE_HOME: nothing half-written is left."
        ) from error


def _is_full_disk(error: BaseException | None) -> bool:
    # The writer of array_record has no errno, only the system's words.
    if error is None:
        return False
    numbered = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return numbered or "No space left on device" in str(error) or _is_full_disk(error.__cause__)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
