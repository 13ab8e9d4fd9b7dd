"""Processes that read: the same batches, and a clear end, however it comes."""

import itertools
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import processes
from jaxcnn.data.batches import epoch_order
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.stream import stream

pytestmark = pytest.mark.slow

LARGE = (400, 500, 1)  # two of them are more than any pipe holds


class OddError(Exception):
    """Can be pickled, and not be read again."""

    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


class Records:
    """Ten images, each of its number; where a process reads it, the `odd` one raises, and the `slow` one takes long.

    The `broken` one has no class, and the `fatal` one ends the process that reads.
    """

    def __init__(self, shape=(2, 3, 1), *, broken=None, fatal=None, odd=None, slow=None):
        self.shape, self.broken, self.fatal, self.odd, self.slow = shape, broken, fatal, odd, slow

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if multiprocessing.parent_process() is not None:
            if index == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            if index == self.slow:
                time.sleep(600)
            if index == self.odd:
                raise OddError("one", "other")
        return np.full(self.shape, index, np.uint8), -1 if index == self.broken else index % 3


def read(batches):
    return [np.asarray(images)[:, 0, 0, 0].tolist() for images, _ in batches]


def unstacked(group):
    return [images[:, 0, 0, 0].tolist() for images in np.asarray(group.images)]


def expected(epochs, size=4):
    orders = [epoch_order(10, 0, epoch).tolist() for epoch in range(epochs)]
    return [order[start : start + size] for order in orders for start in range(0, 10, size)]


def ended(children):
    assert multiprocessing.active_children() == []
    return [child.exitcode for child in children]


class TestBatches:
    @pytest.mark.parametrize(("workers", "prefetch"), [(1, 0), (3, 5)])
    def test_closed_in_the_middle_and_resumed(self, workers, prefetch):
        options = {"batch_size": 4, "seed": 0, "epochs": 4, "workers": workers, "prefetch": prefetch}
        with stream(Records(LARGE), **options) as batches:
            first = read(itertools.islice(batches, 4))
            children, state = multiprocessing.active_children(), batches.state()
        assert first == expected(4)[:4]
        assert ended(children) == [0] * workers  # and none was killed
        with stream(Records(LARGE), **options, state=state) as rest:
            assert read(rest) == expected(4)[4:]
        assert ended([]) == []

    def test_more_processes_than_batches(self):
        with stream(Records(), batch_size=4, seed=0, epochs=1, workers=5) as batches:
            found = read([next(batches)])
            children = multiprocessing.active_children()
            assert found + read(batches) == expected(1)
        assert ended(children) == [0, 0, 0]

    def test_groups_are_the_batches_stacked(self):
        with stream(Records(LARGE), batch_size=4, seed=0, epochs=2, workers=2) as batches:
            groups = [batches.take(5) for _ in range(4)]
            with pytest.raises(StopIteration):
                batches.take(5)
        assert [group.labels.shape for group in groups] == [(2, 4), (1, 2)] * 2
        assert [batch for group in groups for batch in unstacked(group)] == expected(2)

    def test_bfloat16(self):
        class Halves:
            images = np.arange(40, dtype=np.float32).reshape(10, 2, 2, 1).astype("bfloat16")
            labels = np.arange(10)

        with stream(Halves(), batch_size=4, seed=0, workers=1) as batches:
            images, labels = next(batches)
        assert images.dtype == "bfloat16"
        np.testing.assert_array_equal(images, Halves.images[labels])

    def test_a_folder_and_its_cache(self, tmp_path):
        for name, pixel in (("a/0", 1), ("a/1", 2), ("b/0", 3)):
            (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((2, 2), pixel, np.uint8)).save(tmp_path / "own" / f"{name}.png")
        options = {"batch_size": 2, "seed": 0, "epochs": 2}
        without = read(stream(folder_source(tmp_path / "own"), **options))
        with stream(f"folder:{tmp_path / 'own'}", **options, workers=2, cache=tmp_path / "kept") as batches:
            assert read(batches) == without


class TestErrors:
    def test_what_is_wrong_is_said_as_without_processes(self, capfd):
        last = epoch_order(10, 0, 0)[-1]  # the others still send when it is read
        batches = stream(Records(LARGE, broken=last), batch_size=2, seed=0, epochs=2, workers=2, prefetch=4)
        next(batches)
        children = multiprocessing.active_children()
        with batches, pytest.raises(ValueError, match=rf"^labels must be at least 0, got -1 in record {last}") as error:
            list(batches)
        assert "in a process that reads:\nTraceback" in error.value.__notes__[-1]
        assert ended(children) == [0, 0]
        assert capfd.readouterr().err == ""  # nor do they complain where nobody takes what they send

    def test_an_error_that_can_not_be_handed_over_is_told(self):
        batches = stream(Records(odd=7), batch_size=4, seed=0, workers=1)
        with batches, pytest.raises(RuntimeError, match=r"^OddError: one and other"):
            list(batches)

    def test_one_that_is_killed_before_its_first_batch(self):
        batches = stream(Records(fatal=epoch_order(10, 0, 0)[0]), batch_size=4, seed=0, workers=2)
        message = (
            r"^one of 2 processes that read was ended by signal 9, as systems do where memory is short; take fewer"
        )
        with batches, pytest.raises(RuntimeError, match=message):
            list(batches)

    def test_one_that_is_killed_while_a_batch_is_on_its_way(self):
        with stream(Records(LARGE), batch_size=4, seed=0, epochs=4, workers=2) as batches:
            found = read([next(batches)])
            time.sleep(0.5)  # until both wait for someone who takes what they send
            killed, other = multiprocessing.active_children()
            killed.kill()
            with pytest.raises(RuntimeError, match="ended by signal 9"):
                found.extend(read([batch])[0] for batch in batches)
            assert ended([killed, other]) == [-9, 0]
            assert found + read(batches) == expected(4)

    def test_one_that_reads_for_too_long_is_killed(self, monkeypatch):
        monkeypatch.setattr(processes, "_PATIENCE", 0.1)
        slow = epoch_order(10, 0, 0)[-1]
        with stream(Records(slow=slow), batch_size=4, seed=0, workers=1, prefetch=0) as batches:
            next(batches)
            children = multiprocessing.active_children()
        assert ended(children) == [-9]
