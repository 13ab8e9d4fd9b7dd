"""CIFAR-10 in its binary version, as an archive or unpacked; the Python version is pickled and never opened.

Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009; the records are described on
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from pathlib import Path

import numpy as np

from jaxcnn.data import archives
from jaxcnn.data.layout import Labelled, Layout, name_in
from jaxcnn.data.readable import readable

_ARCHIVE = "cifar-10-binary.tar.gz"
_UNPACKED = "cifar-10-batches-bin"  # the folder that the archive unpacks to
_FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
_CLASSES = 10
_RECORD = 1 + 3 * 32 * 32  # bytes: a label, then the red, the green and the blue pixels
_LARGEST = 10_000 * _RECORD
_WHOLE = 6 * _LARGEST + (1 << 20)  # six files, and what tar and two texts need


def _read(folder: Path, split: str) -> Labelled:
    archive = name_in(folder, _ARCHIVE)
    contents = _read_archive(archive, split) if archive else _read_files(folder, split)
    records = [_records(content, place) for place, content in contents.items()]
    together = np.concatenate(records)
    images = np.ascontiguousarray(together[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return Labelled(images, together[:, 0], next(iter(contents)))


def _read_archive(path: Path, split: str) -> dict[str, bytes]:
    names = [f"{_UNPACKED}/{file}" for file in _FILES[split]]
    members = archives.tar_members(path, names, largest=_LARGEST, whole=_WHOLE)
    return {f"{path}: {name}": content for name, content in members.items()}


def _read_files(folder: Path, split: str) -> dict[str, bytes]:
    if any(name_in(folder / _UNPACKED, file) for file in _FILES[split]):
        folder = folder / _UNPACKED
    return {str(folder / file): _read_file(folder, file) for file in _FILES[split]}


def _read_file(folder: Path, file: str) -> bytes:
    if not name_in(folder, file):
        raise ValueError(
            f"{folder} must hold the whole set, got it without {file}; add the file, or remove the others."
        )
    with readable(folder / file), open(folder / file, "rb") as stream:
        return stream.read(_LARGEST + 1)


def _records(content: bytes, place: str) -> np.ndarray:
    if len(content) % _RECORD or not 0 < len(content) <= _LARGEST:
        got = f"{len(content):,}" if len(content) <= _LARGEST else "more"
        raise ValueError(
            f"{place} must hold 1 to {_LARGEST // _RECORD:,} records of {_RECORD:,} bytes, got {got} bytes in all; "
            "fetch the binary version of CIFAR-10 again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    outside = records[:, 0] >= _CLASSES
    if outside.any():
        at = int(outside.argmax())
        raise ValueError(f"{place} must hold labels of 0 to {_CLASSES - 1}, got {records[at, 0]} in record {at}.")
    return records


LAYOUT = Layout(
    (
        _ARCHIVE,
        *(file for files in _FILES.values() for file in files),
        *(f"{_UNPACKED}/{file}" for files in _FILES.values() for file in files),
    ),
    offline=_ARCHIVE,
    read=_read,
)
