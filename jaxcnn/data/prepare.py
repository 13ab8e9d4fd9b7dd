"""Preparing a named set once, from a download or local files: whole in its place, or not there."""

import contextlib
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from jaxcnn.data import prepared
from jaxcnn.data.builders import write_set
from jaxcnn.data.decode_once import decode_once
from jaxcnn.data.decoded_file import keep_split
from jaxcnn.data.download import fetch
from jaxcnn.data.layout import SPLITS
from jaxcnn.data.load import local_folder
from jaxcnn.data.local_files import read_split
from jaxcnn.data.prepare_errors import explained
from jaxcnn.data.progress import bar
from jaxcnn.data.published import PUBLISHED, Published
from jaxcnn.locking import exclusive


def prepare(
    name: str, *, data_dir: str | os.PathLike[str] | None = None, tell: Callable[[str], object] = print
) -> Path:
    """Prepares a set as `load` then finds it, in the user's cache folder; one that is there already is left alone.

    The images come from the files under `data_dir`, else from JAXCNN_DATA_DIR or Debian's package, else from the
    network. A second preparation of the same set waits for the first. What one that was killed has left is removed
    first, but for downloads, which are gone on with.

    Streams find the images decoded, in the cache that they keep by themselves: as many as they would keep, and where
    they can. One that was removed is made anew for a set that is there already.

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
    with explained(published, root, lambda: _remove(_downloads(root) / published.family)):
        root.mkdir(parents=True, exist_ok=True)
        # One lock a family, as its sets share a download.
        lock = root / f".{published.family}.lock"
        with exclusive(lock, lambda: tell(f"Another process prepares {published.family}; waiting for it.")):
            folder = _prepare_alone(published, source, root, tell)
            _decode(published, folder)
            return folder


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
    with bar(f"{published.name}: writing", sum(map(len, splits.values()))) as advance:
        return write_set(staging, published, splits, origin, lambda: advance(1))


def _decode(published: Published, folder: Path) -> None:
    for split in reversed(SPLITS):  # the training set last: what streams kept last makes no room for others
        kept = keep_split(folder, split)
        if kept is not None:
            decode_once(kept, kept.read, what=f"{published.name}: decoding {split}", most_seconds=math.inf)


def _downloads(root: Path) -> Path:
    return root / ".downloads"


def _downloaded(published: Published, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with bar(f"{published.name}: downloading", sum(file.size for file in published.files)) as advance:
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


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
