"""Labelled images in a file, each a record of one length with a check sum: read by number, and written in any order."""

import contextlib
import dataclasses
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped, UInt8
from numpy.typing import NDArray

MOST_HELD = 2**26  # bytes of a file that is held in memory too: so many times as fast, and less than a program takes

_LABEL, _SUM = 8, 4  # bytes of a record before its pixels, and behind them
_RESIDUE = 0x2144DF1C  # CRC-32 of whatever ends in its own CRC-32, the lowest byte first
_UNSEEN, _WHOLE, _EMPTY = range(3)


def record_size(pixels: int) -> int:
    """Bytes of the record of an image of so many bytes."""
    return _LABEL + pixels + _SUM


def pack(images: Shaped[np.ndarray, "m h w c"], labels: Int[np.ndarray, " m"]) -> UInt8[np.ndarray, "m r"]:
    """A record an image: the label, the pixels, and the check sum of both."""
    pixels = np.ascontiguousarray(images).reshape(len(images), -1).view(np.uint8)
    records = np.empty((len(images), record_size(pixels.shape[1])), np.uint8)
    records[:, :_LABEL] = labels.astype("<i8")[:, None].view(np.uint8)
    records[:, _LABEL:-_SUM] = pixels
    sums = np.array([zlib.crc32(record) for record in records[:, :-_SUM]], "<u4")
    records[:, -_SUM:] = sums[:, None].view(np.uint8)
    return records


def unpack(records: UInt8[np.ndarray, "m r"], shape: tuple[int, ...], dtype: np.dtype) -> tuple[NDArray, NDArray]:
    """The images (m, h, w, c) of a shape (h, w, c), and the labels (m,)."""
    pixels = np.ascontiguousarray(records[:, _LABEL:-_SUM])
    labels = np.ascontiguousarray(records[:, :_LABEL]).view("<i8")[:, 0]
    return pixels.view(dtype).reshape(len(records), *shape), labels.astype(np.int64)


@dataclasses.dataclass(eq=False)
class RecordFile:
    """A file of records; `open_records` makes it.

    Attributes:
      path: of the file.
      size: bytes a record.
      state: of each record: whether its check sum is known to be right, or it was never written.
      held: all records of a file that is small enough, whatever becomes of the file.
      new: whether nothing was in it when it was opened.
    """

    path: Path
    size: int
    state: UInt8[np.ndarray, " n"]
    held: UInt8[np.ndarray, "n r"] | None
    new: bool

    def read(self, rows: Shaped[NDArray, " m"]) -> UInt8[np.ndarray, "m r"]:
        """The records of these numbers, whole or not."""
        if self.held is not None:
            return self.held[rows]
        with told(self.path), open(self.path, "rb", buffering=0) as file:
            content = b"".join([_read(file, start, size) for start, size in self._spans(rows)])
            if len(content) != len(rows) * self.size:
                raise OSError(None, "its file was cut short")
        return np.frombuffer(content, np.uint8).reshape(len(rows), self.size)

    def missing(self, rows: Shaped[NDArray, " m"]) -> Int[np.ndarray, " k"]:
        """Which of these, as indices into `rows`, are not there whole."""
        unseen = rows[self.state[rows] == _UNSEEN]
        if len(unseen):
            whole = [zlib.crc32(record) == _RESIDUE for record in self.read(unseen)]
            self.state[unseen[whole]] = _WHOLE
        return np.flatnonzero(self.state[rows] != _WHOLE)

    def write(self, rows: Shaped[NDArray, " m"], records: UInt8[np.ndarray, "m r"]) -> None:
        """Puts records at their places; those on the disk alone are looked at again before they are believed.

        Of a new file that is held the disk gets all at once, when there are all: to write one by one takes ten times
        as long.
        """
        if self.held is not None:
            self.held[rows] = records
        self.state[rows] = _UNSEEN if self.held is None else _WHOLE
        if self.held is None or not self.new:
            with told(self.path), open(self.path, "r+b", buffering=0) as file:
                rest = records.reshape(-1).data
                for start, size in self._spans(rows):
                    _write(file, start, rest[:size])
                    rest = rest[size:]
        elif not (self.state == _EMPTY).any():
            with told(self.path), open(self.path, "r+b") as file:
                file.write(self.held.data)

    def _spans(self, rows: NDArray) -> Iterator[tuple[int, int]]:
        """The places and bytes of these records, those that lie one behind the other as one."""
        cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        starts = (rows[cuts[:-1]] * self.size).tolist() if len(rows) else []
        return ((start, (end - cut) * self.size) for start, cut, end in zip(starts, cuts, cuts[1:], strict=False))


def open_records(path: Path, count: int, size: int, *, new: bool) -> RecordFile:
    """The file, of so many records of so many bytes; nothing of a `new` one is read.

    Raises:
      OSError: it can't be read.
    """
    held = np.empty((count, size), np.uint8) if count * size <= MOST_HELD else None
    if held is not None and not new:
        with told(path), open(path, "rb", buffering=0) as file:
            if file.readinto(held.data) != held.size:
                raise OSError(None, "its file was cut short")
    return RecordFile(path, size, np.full(count, _EMPTY if new else _UNSEEN, np.uint8), held, new)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """An OSError says what it is about, and the way out."""
    try:
        yield
    except OSError as error:
        reason = (
            f"the cache can't be used, as the system says: {error.strerror or error}; free some space, name another"
            " folder, or leave cache out"
        )
        raise type(error)(error.errno, reason, str(path)) from error


def _read(file: io.FileIO, place: int, size: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file.fileno(), size, place)
    file.seek(place)
    return file.read(size)


def _write(file: io.FileIO, place: int, record: memoryview) -> None:
    if hasattr(os, "pwrite"):
        os.pwrite(file.fileno(), record, place)
    else:
        file.seek(place)
        file.write(record)
