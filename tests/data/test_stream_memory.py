"""What a stream holds in memory does not grow with the set.

A process of its own streams 100 batches, and tells its highest resident memory (ru_maxrss), and that of processes that
read for it. It does so for a small set and for one of twenty times as many images, whose pixels alone are 150 MB, five
times the margin. Images are of one colour, so that their files are small; `prefetch` is larger than by default, so that
queues would show.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import Dataset
from jaxcnn.data.builders import write_set
from jaxcnn.data.published import PUBLISHED

SMALL, LARGE = 200, 4000
SHAPE = (112, 112, 3)
MARGIN = 30 * 2**20

SCRIPT = """
import resource, sys
import numpy as np
from pathlib import Path
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.prepared_source import prepared_source
from jaxcnn.data.stream import stream

kind, folder = sys.argv[1:]
if __name__ == "__main__":
    source = prepared_source(Path(folder), "train") if kind == "array_record" else folder_source(folder)
    workers = 2 if kind == "processes" else 0
    with stream(source, batch_size=40, seed=0, prefetch=4, workers=workers, cache=kind == "cache") as batches:
        for _ in range(100):
            images, _ = next(batches)
            np.asarray(images)
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print((own + workers * others) * (1 if sys.platform == "darwin" else 1024))
"""


def write_pngs(folder, count):
    for label in range(2):
        (folder / f"{label}").mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", SHAPE[:2], (index % 256,) * 3).save(folder / f"{index % 2}" / f"{index}.png")
    return folder


def write_records(folder, count):
    images = np.broadcast_to(np.uint8(7), (count, *SHAPE))
    dataset = Dataset(images, np.arange(count) % 10, tuple("abcdefghij"), "mnist", "full")
    return write_set(folder, PUBLISHED["mnist"], {"train": dataset}, "a test", lambda: None)


def peak(kind, folder):
    command = [sys.executable, "-c", SCRIPT, kind, str(folder)]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "JAX_PLATFORMS": "cpu"}
    )
    return int(told.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "write"),
    [("folder", write_pngs), ("processes", write_pngs), ("cache", write_pngs), ("array_record", write_records)],
)
def test_memory_is_bounded_by_batches_and_not_by_the_set(tmp_path, kind, write):
    small, large = (peak(kind, write(tmp_path / str(count), count)) for count in (SMALL, LARGE))
    assert LARGE * np.prod(SHAPE) > 4 * MARGIN
    assert large < small + MARGIN
