"""What is refused before any process starts."""

import multiprocessing
import threading

import numpy as np
import pytest

from jaxcnn.data.stream import stream


def test_a_mapped_file_is_not_copied_to_each_process(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((4, 2, 2, 1), np.uint8))

    class Mapped:
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
        labels = np.zeros(4, int)

    with pytest.raises(ValueError, match=r"^workers must be 0 for images of a memory-mapped array, .* got 2$"):
        stream(Mapped(), batch_size=2, seed=0, workers=2)


def test_a_source_that_no_process_could_be_given():
    class Locked:
        def __init__(self):
            self.lock = threading.Lock()

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return np.zeros((2, 2, 1), np.uint8), 0

    batches = stream(Locked(), batch_size=2, seed=0, workers=2)
    with pytest.raises(TypeError, match=r"^source must be one that can be pickled .*lock.*; workers=0 needs none$"):
        next(batches)
    assert multiprocessing.active_children() == []
