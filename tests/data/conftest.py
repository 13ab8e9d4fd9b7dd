"""Tiny data sets on disk."""

from pathlib import Path

import numpy as np
import pytest

from jaxcnn.data.idx import file_names, write_idx


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
