"""Processes that read: the same batches, and a clear end whatever happens to them or to their parent."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.stream import stream


class Records:
    """Ten images, each of its number; the `broken` one has no class, the `fatal` one ends the process that reads."""

    def __init__(self, broken=None, fatal=None):
        self.broken, self.fatal = broken, fatal

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index == self.fatal and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.full((2, 3, 1), index, np.uint8), -1 if index == self.broken else index % 3


def read(batches):
    return [np.asarray(images)[:, 0, 0, 0].tolist() for images, _ in batches]


def test_a_mapped_file_is_not_copied_to_each_process(tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((4, 2, 2, 1), np.uint8))

    class Mapped:
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
        labels = np.zeros(4, int)

    with pytest.raises(ValueError, match=r"^workers must be 0 for images of a memory-mapped array, .* got 2$"):
        stream(Mapped(), batch_size=2, seed=0, workers=2)


@pytest.mark.slow
class TestProcesses:
    @pytest.mark.parametrize(("workers", "prefetch"), [(1, 0), (3, 5)])
    def test_the_same_batches_and_resumed(self, workers, prefetch):
        options = {"batch_size": 4, "seed": 2, "epochs": 3}
        whole = read(stream(Records(), **options))
        with stream(Records(), **options, workers=workers, prefetch=prefetch) as batches:
            first = read(itertools.islice(batches, 4))
            state = batches.state()
        assert first == whole[:4]
        with stream(Records(), **options, workers=workers, prefetch=prefetch, state=state) as rest:
            assert read(rest) == whole[4:]
        assert multiprocessing.active_children() == []

    def test_a_folder_and_its_cache(self, tmp_path):
        for name, pixel in (("a/0", 1), ("a/1", 2), ("b/0", 3)):
            (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((2, 2), pixel, np.uint8)).save(tmp_path / "own" / f"{name}.png")
        options = {"batch_size": 2, "seed": 0, "epochs": 2}
        expected = read(stream(folder_source(tmp_path / "own"), **options))
        with stream(f"folder:{tmp_path / 'own'}", **options, workers=2, cache=tmp_path / "kept") as batches:
            assert read(batches) == expected

    def test_groups_are_the_batches_stacked(self):
        options = {"batch_size": 4, "seed": 2, "epochs": 2}
        whole = read(stream(Records(), **options))
        with stream(Records(), **options, workers=2) as batches:
            groups = [batches.take(5) for _ in range(4)]
        assert [group.labels.shape for group in groups] == [(2, 4), (1, 2)] * 2
        assert [np.asarray(images)[:, 0, 0, 0].tolist() for group in groups for images in group.images] == whole

    def test_what_is_wrong_is_said_as_without_processes(self):
        batches = stream(Records(broken=7), batch_size=4, seed=0, epochs=1, workers=2)
        with batches, pytest.raises(ValueError, match=r"^labels must be at least 0, got -1 in record 7"):
            list(batches)
        assert multiprocessing.active_children() == []

    def test_one_that_is_killed(self):
        batches = stream(Records(fatal=7), batch_size=4, seed=0, epochs=1, workers=2)
        message = (
            r"^one of 2 processes that read was ended by signal 9, as systems do where memory is short; take fewer"
        )
        with batches, pytest.raises(RuntimeError, match=message):
            list(batches)


UNGUARDED = """
import numpy as np
from jaxcnn import data
images = np.zeros((8, 2, 2, 1), np.uint8)
class Set:
    images, labels = images, np.zeros(8, int)
try:
    print(len(list(data.stream(Set(), batch_size=4, seed=0, epochs=1, workers=2))))
except RuntimeError as error:
    print("caught:", error)
"""

GUARDED = """
import multiprocessing, signal, time
import numpy as np
from jaxcnn import data

class Records:
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        return np.zeros((2, 2, 1), np.uint8), 0

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without
    with data.stream(Records(), batch_size=4, seed=0, workers=2) as batches:
        for _ in range(4):
            next(batches)
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        while True:
            next(batches)
            time.sleep(0.01)
"""


@pytest.mark.slow
class TestScripts:
    @pytest.fixture
    def script(self, tmp_path):
        with contextlib.ExitStack() as stack:

            def start(text):
                (tmp_path / "script.py").write_text(text)
                process = subprocess.Popen(
                    [sys.executable, str(tmp_path / "script.py")],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                    env={**os.environ, "JAX_PLATFORMS": "cpu"},
                )
                stack.enter_context(process)
                stack.callback(process.kill)
                return process

            yield start

    def test_without_a_guard(self, script):
        out, err = script(UNGUARDED).communicate(timeout=120)
        assert "a script that streams with workers must do its work below if __name__ ==" in err
        assert out.startswith(
            "caught: one of 2 processes that read ended with exit code 1, and its own words are above"
        )
        assert out.count("\n") == 1

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    def test_no_process_stays_behind(self, script, how):
        process = script(GUARDED)
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 2
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        _, err = process.communicate(timeout=60)
        assert err.count("Traceback") == (how == signal.SIGINT)  # the parent's own, and none of a process that reads
        assert gone(workers)


def gone(pids, seconds=20):
    """Whether all have ended; one whose parent is gone may stay a zombie until someone asks for its exit code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
