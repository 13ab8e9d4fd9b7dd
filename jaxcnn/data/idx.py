"""IDX, the file format of MNIST: a magic number, big-endian sizes, then the bytes themselves.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import math
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from jaxcnn.data.readable import readable

_UNSIGNED_BYTE = 0x08
_PIECE = 1 << 20
_LARGEST_SIZE = (1 << 32) - 1
_LARGEST_SET = 1 << 31


def file_names(prefix: str) -> tuple[str, str]:
    """The names, without .gz, of the images and the labels of one split ("train" or "t10k"), as MNIST has them."""
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def read_labelled(
    images_path: str | os.PathLike[str], labels_path: str | os.PathLike[str]
) -> tuple[UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, " n"]]:
    """Reads a pair of IDX files that belong together.

    Returns:
        Images (n, h, w) and labels (n,), both uint8.

    Raises:
        ValueError: as `read_idx`, or counts that differ.
        OSError: a file that cannot be opened.
    """
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    check_counts(images, labels, str(images_path), str(labels_path))
    return images, labels


def check_counts(
    images: UInt8[np.ndarray, "..."], labels: UInt8[np.ndarray, "..."], images_file: str, labels_file: str
) -> None:
    """ValueError where there is not one label an image."""
    if len(images) != len(labels):
        raise ValueError(
            f"{labels_file} must hold one label for each of the {len(images)} images of {images_file}, "
            f"got {len(labels)}; fetch the two files again from one place."
        )


def read_idx(path: str | os.PathLike[str], *, ndim: int) -> UInt8[np.ndarray, "..."]:
    """Reads one IDX file of unsigned bytes and believes nothing that its header says before the bytes are there.

    Args:
        path: a file, read as gzip when its name ends in .gz.
        ndim: how many dimensions the file must declare.

    Raises:
        ValueError: another magic number, type or number of dimensions; sizes of 0, or of more than 2 GiB together;
            fewer or more bytes than declared; a gzip stream that is cut short or fails its checksum.
        OSError: a file that cannot be opened.
    """
    with readable(path), open(path, "rb") as file:
        return _read(file, os.fspath(path), ndim)


def parse_idx(content: bytes, place: str, *, ndim: int) -> UInt8[np.ndarray, "..."]:
    """The same of a file in memory, which `place` names: as gzip when that ends in .gz.

    Raises:
        ValueError: as `read_idx`.
    """
    return _read(BytesIO(content), place, ndim)


def _read(file: BufferedIOBase, place: str, ndim: int) -> np.ndarray:
    with _unpacked(file, place) as stream:
        shape = _read_shape(stream, place, ndim)
        size = math.prod(shape)
        if size > _LARGEST_SET:
            raise ValueError(
                f"{place} declares shape {shape}, for which {size} bytes must follow its header, more than the "
                f"{_LARGEST_SET} that are read into memory; a larger set can be a folder of images, and be streamed."
            )
        payload = _read_at_most(stream, size + 1)
    if len(payload) != size:
        got = f"{len(payload)} bytes" if len(payload) < size else "more"
        raise ValueError(f"{place} declares shape {shape}, for which {size} bytes must follow its header, got {got}.")
    return np.frombuffer(payload, np.uint8).reshape(shape)


def write_idx(path: str | os.PathLike[str], array: UInt8[np.ndarray, "..."]) -> None:
    """Writes one IDX file of unsigned bytes, whole or not at all: the same array gives the same bytes on every day.

    Args:
        path: where to; gzip (level 9, no time stamp) when the name ends in .gz.
        array: uint8, of 1 to 255 dimensions, none of them empty.

    Raises:
        ValueError: an array that IDX, or `read_idx`, does not take.
        OSError: a folder that cannot be written to.
    """
    path, header = Path(path), _header(array)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            _write(file, header + array.tobytes(), compressed=path.suffix == ".gz")
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _unpacked(file: BufferedIOBase, place: str) -> Iterator[BufferedIOBase]:
    if not place.endswith(".gz"):
        yield file
        return
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"{place} must be an intact gzip file, got: {reason}; fetch the file again.") from error


def _read_shape(stream: BufferedIOBase, place: str, ndim: int) -> tuple[int, ...]:
    magic = stream.read(4)
    expected = bytes([0, 0, _UNSIGNED_BYTE, ndim])
    if magic != expected:
        raise ValueError(
            f"{place} must begin with {expected.hex(' ')}, IDX of unsigned bytes in {ndim} "
            f"dimension{'s' * (ndim > 1)}, got {magic.hex(' ') or 'an empty file'}."
        )
    sizes = stream.read(4 * ndim)
    if len(sizes) != 4 * ndim:
        raise ValueError(f"{place} must have a header of {4 + 4 * ndim} bytes, got {4 + len(sizes)}.")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if 0 in shape:
        raise ValueError(f"{place} must declare sizes of at least 1, got shape {shape}.")
    return shape


def _read_at_most(stream: BufferedIOBase, limit: int) -> bytearray:
    # Piece by piece: one read of `limit` bytes would allocate them all, however short the file.
    payload = bytearray()
    while len(payload) < limit and (piece := stream.read(min(limit - len(payload), _PIECE))):
        payload += piece
    return payload


def _header(array: np.ndarray) -> bytes:
    if array.dtype != np.uint8 or not 1 <= array.ndim <= 255:
        raise ValueError(f"array must be uint8 with 1 to 255 dimensions, got {array.dtype} with {array.ndim}.")
    if not all(1 <= size <= _LARGEST_SIZE for size in array.shape):
        raise ValueError(f"array must have sizes of 1 to {_LARGEST_SIZE}, got shape {array.shape}.")
    return bytes([0, 0, _UNSIGNED_BYTE, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()


def _write(file: BufferedIOBase, content: bytes, *, compressed: bool) -> None:
    if not compressed:
        file.write(content)
        return
    # GzipFile rather than gzip.compress, whose header differs from one Python to the next.
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as stream:
        stream.write(content)
