"""Where decoded images are kept: in a folder that was named, or, of small sets, in the user's own cache."""

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from jaxcnn.data.cache import user_cache
from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.folder_source import FolderSource
from jaxcnn.data.prepared_source import PreparedSource, prepared_source
from jaxcnn.data.records import told
from jaxcnn.data.sources import Source, fingerprint

MOST_KEPT = 2**31  # bytes of all sets in the user's own cache
_SHARE_OF_FREE = 10  # a set is kept there where it takes less than a tenth of what the disk has left
_VERSION = 1  # of what is made of files; another one leaves what earlier ones kept aside
_SUFFIX, _UNFINISHED = ".images", ".part"
_ABANDONED = 3600  # seconds; a file is made in few


def with_cache(
    source: Source, cache: str | os.PathLike[str] | bool | None, shape: tuple[int, ...], dtype: np.dtype
) -> Source:
    """The source with what `stream` calls its cache; its images are of this shape (h, w, c) and dtype.

    Raises:
      OSError: as `keep_decoded`.
    """
    if cache is None or cache is False:
        return source
    return keep_small(source, shape, dtype) if cache is True else keep_decoded(source, cache, shape, dtype)


def keep_decoded(
    source: Source, folder: str | os.PathLike[str], shape: tuple[int, ...], dtype: np.dtype, *, optional: bool = False
) -> DecodedSource:
    """The source, and a file in `folder` for its decoded images; an earlier file of the same source serves on.

    Args:
      source: whose images are of this shape (h, w, c) and dtype.
      folder: made where it is missing; the file takes the bytes of all images.
      optional: whether to read on without the file where it turns out to be gone or full later.

    Raises:
      OSError: a folder or file that can't be written, or a disk without the room; nothing is left of the file.
    """
    path = Path(os.path.expanduser(folder), f"{_key(source, shape, dtype)}{_SUFFIX}")
    kept = DecodedSource(source, path, shape, dtype, optional, new=not path.exists())
    with told(path):
        _make(path, kept.size)
    return kept


def _key(source: Source, shape: tuple[int, ...], dtype: np.dtype) -> str:
    """What tells the source from others, and from itself before any change."""
    if not isinstance(source, FolderSource | PreparedSource):
        return fingerprint(source)
    # No image is read for it, as a broken one is to be found when its turn comes.
    facts = repr((_VERSION, len(source), source.class_names, shape, dtype.str)).encode()
    return hashlib.sha256(facts + source.stamp()).hexdigest()[:32]


def keep_small(source: Source, shape: tuple[int, ...], dtype: np.dtype) -> Source:
    """The source, with its decoded images in the user's own cache where that is safe, else as it is.

    That is so for folders and prepared sets, of which a change is noticed, whose decoded images take no more than
    `MOST_KEPT` bytes and a tenth of what the disk has left. The sets that were used longest ago make room.
    """
    if not isinstance(source, FolderSource | PreparedSource):
        return source
    size = DecodedSource(source, Path(), shape, dtype, optional=True, new=True).size
    try:
        folder = user_cache("decoded")
        folder.mkdir(parents=True, exist_ok=True)
        if size > min(MOST_KEPT, shutil.disk_usage(folder).free // _SHARE_OF_FREE):
            return source
        kept = keep_decoded(source, folder, shape, dtype, optional=True)
        os.utime(kept.path)
        _make_room(kept.path)
    except (OSError, RuntimeError):  # no home, a disk that can't be written: then nothing is kept
        return source
    return kept


def keep_split(folder: Path, split: str) -> DecodedSource | None:
    """One split of a prepared set as `stream` keeps it without being asked; None where it does not.

    Raises:
      ValueError: a set that is damaged.
    """
    source = prepared_source(folder, split)
    first, _ = source.read(np.arange(1))
    kept = keep_small(source, first.shape[1:], first.dtype)
    return kept if isinstance(kept, DecodedSource) else None


def kept_bytes() -> tuple[Path, int]:
    """The user's own cache of decoded images, and what all of it takes.

    Raises:
      RuntimeError: a user without a home.
    """
    folder = user_cache("decoded")
    return folder, sum(_facts(path)[1] for path in folder.glob(f"*{_SUFFIX}"))


def _make_room(newest: Path) -> None:
    """Removes what was used longest ago, and what a program that was killed has left; its readers go on without."""
    found = [(path, _facts(path)) for path in newest.parent.iterdir() if path != newest]
    for path, (used, _) in found:
        if path.suffix == _UNFINISHED and used < time.time() - _ABANDONED:
            path.unlink(missing_ok=True)
    left = MOST_KEPT - newest.stat().st_size
    others = [(used, size, path) for path, (used, size) in found if path.suffix == _SUFFIX]
    for _, size, path in sorted(others, reverse=True):
        left -= size
        if left < 0:
            path.unlink(missing_ok=True)


def _facts(path: Path) -> tuple[float, int]:
    """When a file was used, and its bytes; none of one that another program has removed meanwhile."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return time.time(), 0
    return facts.st_mtime, facts.st_size


def _make(path: Path, size: int) -> None:
    """The file at its full size, so that a full disk is found at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size == size:
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=_UNFINISHED)
    try:
        with open(descriptor, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
