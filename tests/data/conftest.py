"""Tiny data sets on disk."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from jaxcnn.data.idx import file_names, write_idx


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    """Streams keep decoded images in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "user-cache"))


def write_set(folder: Path, *, prefixes=("train", "t10k"), suffix=".gz", pixel=7, classes=10, count=20) -> Path:
    """Writes `count` images of 5×4 pixels of one value, with labels that go round the classes."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix in prefixes:
        images, labels = file_names(prefix)
        write_idx(folder / f"{images}{suffix}", np.full((count, 5, 4), pixel, np.uint8))
        write_idx(folder / f"{labels}{suffix}", (np.arange(count) % classes).astype(np.uint8))
    return folder


@pytest.fixture(name="write_set")
def _write_set():
    return write_set


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def write_emnist(folder: Path, *parts: str, **changes: bytes) -> Path:
    """Writes gzip.zip with 8 training and 4 test images of each part; `changes` replaces members."""
    folder.mkdir(parents=True, exist_ok=True)
    members: dict[str, bytes] = {}
    for part in parts:
        for split, count in (("train", 8), ("test", 4)):
            labels = np.arange(count, dtype=np.uint8) + (part == "letters")
            images = (np.arange(count * 6 * 5) + len(split)).astype(np.uint8).reshape(count, 6, 5)
            for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
                members[f"gzip/emnist-{part}-{split}-{kind}-ubyte.gz"] = idx_bytes(array)
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for name, content in (members | changes).items():
            archive.writestr(name, content)
    return folder / "gzip.zip"


def cifar_records(start: int, count: int = 4) -> bytes:
    """Records of labels that count up, and of pixels that differ everywhere."""
    pixels = (np.arange(count * 3072).reshape(count, 3072) // 7 + start).astype(np.uint8)
    labels = ((np.arange(count) + start) % 10).astype(np.uint8)
    return np.column_stack([labels, pixels]).tobytes()


def write_cifar(folder: Path, **changes: bytes) -> Path:
    """Writes cifar-10-binary.tar.gz with 4 records a file; `changes` replaces files by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    files = {name: cifar_records(start) for start, name in enumerate(names)} | changes
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return folder / "cifar-10-binary.tar.gz"


@pytest.fixture(name="write_emnist")
def _write_emnist():
    return write_emnist


@pytest.fixture(name="write_cifar")
def _write_cifar():
    return write_cifar


@pytest.fixture(name="idx_bytes")
def _idx_bytes():
    return idx_bytes


@pytest.fixture(name="cifar_records")
def _cifar_records():
    return cifar_records
