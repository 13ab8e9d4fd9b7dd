"""Decoded images kept in a file, so that each is decoded once: read nearly as fast as from memory, and not in it."""

import contextlib
import dataclasses
import hashlib
import math
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from jaxcnn.data.folder_source import FolderSource
from jaxcnn.data.sources import Pair, Source, fingerprint

_LABEL, _SUM = 8, 4  # bytes of a record before its pixels, and behind them
_RESIDUE = 0x2144DF1C  # CRC-32 of whatever ends in its own CRC-32, the lowest byte first


@dataclasses.dataclass(frozen=True, eq=False)
class DecodedSource:
    """A source and the file that keeps what was read from it; `keep_decoded` makes it.

    A record is the label, the pixels and a check sum. One that was never written, or only in part, fails its sum and
    is read from the source: whoever is stopped while he writes, or writes beside another, does no harm.
    """

    source: Source
    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.source.class_names

    def __len__(self) -> int:
        return len(self.source)

    def name_of(self, row: int) -> str:
        return self.source.name_of(row)

    def identity(self) -> bytes:
        return self.source.identity()

    @property
    def record(self) -> int:
        """Bytes of one image with what goes before it."""
        return _LABEL + math.prod(self.shape) * self.dtype.itemsize + _SUM

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        places = (rows.astype(np.int64) * self.record).tolist()
        found = self._kept(places)
        missing = [at for at, record in enumerate(found) if zlib.crc32(record) != _RESIDUE]
        if missing:
            images, labels = self.source.read(rows[missing])
            if (images.shape[1:], images.dtype) != (self.shape, self.dtype):
                return self.source.read(rows)  # an image that does not fit, for which the reader refuses the batch
            for at, record in zip(missing, _records(images, labels), strict=True):
                found[at] = record
            self._keep([(places[at], found[at]) for at in missing])
        flat = np.frombuffer(b"".join(found), np.uint8).reshape(len(rows), self.record)
        images = np.ascontiguousarray(flat[:, _LABEL:-_SUM]).view(self.dtype).reshape(len(rows), *self.shape)
        return images, np.ascontiguousarray(flat[:, :_LABEL]).view("<i8")[:, 0].astype(np.int64)

    def _kept(self, places: Sequence[int]) -> list[bytes]:
        size = self.record
        with _told(self.path), open(self.path, "rb", buffering=0) as file:
            if hasattr(os, "pread"):
                descriptor = file.fileno()
                return [os.pread(descriptor, size, place) for place in places]
            return [file.read(size) for place in places if file.seek(place) >= 0]

    def _keep(self, records: Sequence[tuple[int, bytes]]) -> None:
        with _told(self.path), open(self.path, "r+b", buffering=0) as file:
            for place, record in records:
                file.seek(place)
                file.write(record)


def keep_decoded(
    source: Source, folder: str | os.PathLike[str], shape: tuple[int, ...], dtype: np.dtype
) -> DecodedSource:
    """The source, and a file in `folder` for its decoded images; an earlier file of the same source serves on.

    Args:
      source: whose images are of this shape (h, w, c) and dtype.
      folder: made where it is missing; the file takes the bytes of all images.

    Raises:
      OSError: a folder or file that can't be written, or a disk without the room; nothing is left of the file.
    """
    stamp = source.stamp() if isinstance(source, FolderSource) else b""
    key = hashlib.sha256(fingerprint(source).encode() + stamp).hexdigest()[:32]
    kept = DecodedSource(source, Path(os.path.expanduser(folder), f"{key}.images"), shape, dtype)
    with _told(kept.path):
        _make(kept.path, len(source) * kept.record)
    return kept


def _make(path: Path, size: int) -> None:
    """The file at its full size, so that a full disk is found at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.stat().st_size == size:
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with open(descriptor, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            file.truncate(size)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _records(images: NDArray, labels: NDArray) -> Iterator[bytes]:
    for image, label in zip(images, labels.tolist(), strict=True):
        content = int(label).to_bytes(_LABEL, "little", signed=True) + image.tobytes()
        yield content + zlib.crc32(content).to_bytes(_SUM, "little")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (
            f"the cache can't be used, as the system says: {error.strerror or error}; free some space, name another"
            " folder, or leave cache out"
        )
        raise type(error)(error.errno, reason, str(path)) from error
