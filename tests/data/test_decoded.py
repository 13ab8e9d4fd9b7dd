"""The cache of decoded images: the same batches, from the file alone once it is full, whatever happened to the file."""

import os

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import records
from jaxcnn.data.decoded_file import keep_decoded
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.stream import stream


@pytest.fixture(autouse=True, params=["held", "on disk"])
def _where(request, monkeypatch):
    """Small files are held in memory too; large ones are not."""
    monkeypatch.setattr(records, "MOST_HELD", 2**26 if request.param == "held" else 0)


class Floats:
    """Twelve records of (2, 3, 1) floats; counts how often it is read."""

    def __init__(self, value=0.5):
        self.value, self.reads = value, 0

    def __len__(self):
        return 12

    def __getitem__(self, index):
        self.reads += 1
        return np.full((2, 3, 1), self.value + index, np.float32), index % 3


def read(source, cache, **options):
    with stream(source, **{"batch_size": 5, "seed": 0, "epochs": 2, **options}, cache=cache) as batches:
        return [(np.asarray(images), np.asarray(labels)) for images, labels in batches]


def assert_same(found, expected):
    for pair, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(pair[0], other[0])
        np.testing.assert_array_equal(pair[1], other[1])


def kept(cache):
    (path,) = cache.iterdir()
    return path


def test_each_image_is_read_once(tmp_path):
    expected, source = read(Floats(), None), Floats()
    assert_same(read(source, tmp_path), expected)
    first = source.reads
    assert 12 <= first <= 12 + 1 + 12  # each image, the one for the shape, and those that tell sources apart
    assert_same(read(source, tmp_path), expected)
    assert source.reads == first + 1 + 12
    assert kept(tmp_path).stat().st_size == 12 * (8 + 24 + 4)


def test_what_was_damaged_or_cut_off_is_read_again(tmp_path):
    expected = read(Floats(), tmp_path)
    whole = kept(tmp_path).read_bytes()
    for broken in (whole[:50] + b"\xff" + whole[51:], bytes(len(whole)), whole[:100] + bytes(len(whole) - 100)):
        kept(tmp_path).write_bytes(broken)
        assert_same(read(Floats(), tmp_path), expected)
        assert kept(tmp_path).read_bytes() == whole
    kept(tmp_path).write_bytes(whole[:100])
    assert_same(read(Floats(), tmp_path), expected)


def test_a_stream_that_is_left_in_its_first_epoch_leaves_no_wrong_file(tmp_path):
    """Of what is held in memory too, the disk gets all at once."""
    with stream(Floats(), batch_size=5, seed=0, cache=tmp_path) as batches:
        assert len(next(batches).labels) == 5
    expected = read(Floats(), None)
    assert_same(read(Floats(), tmp_path), expected)
    source = Floats()
    assert_same(read(source, tmp_path), expected)
    assert source.reads == 1 + 12


def test_state_goes_on_with_and_without(tmp_path):
    batches = stream(Floats(), batch_size=5, seed=0, cache=tmp_path)
    next(batches)
    state = batches.state()
    assert state == stream(Floats(), batch_size=5, seed=0, state=state).state()


def test_another_source_has_another_file(tmp_path):
    read(Floats(), tmp_path)
    found = read(Floats(7.5), tmp_path)
    assert_same(found, read(Floats(7.5), None))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_changed_is_read_anew(tmp_path):
    for name, pixel in (("a/0", 1), ("a/1", 2), ("b/0", 3)):
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 2), pixel, np.uint8)).save(tmp_path / "own" / f"{name}.png")
    read(folder_source(tmp_path / "own"), tmp_path / "kept")
    Image.fromarray(np.full((2, 2), 9, np.uint8)).save(tmp_path / "own" / "a" / "1.png")
    os.utime(tmp_path / "own" / "a" / "1.png", ns=(1, 1))
    ((images, _),) = read(folder_source(tmp_path / "own"), tmp_path / "kept", epochs=1)
    assert sorted(images[:, 0, 0, 0].tolist()) == [1, 3, 9]


def test_an_image_of_another_shape_is_named(tmp_path):
    class Odd(Floats):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return (image[:1] if index == 7 else image), label

    for size in (1, 12):
        with pytest.raises(ValueError, match="record 7"):
            read(Odd(), tmp_path / str(size), batch_size=size)


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"the cache can't be used, as the system says: .*leave cache out: '.*file/"):
        read(Floats(), tmp_path / "file")


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor, start, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"No space left on device; free some space, name another folder, or leave cache"):
        keep_decoded(folder_of(tmp_path), tmp_path / "kept", (2, 2, 1), np.dtype(np.uint8))
    assert list((tmp_path / "kept").iterdir()) == []


def folder_of(tmp_path):
    for name in "ab":
        (tmp_path / "own" / name).mkdir(parents=True)
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "own" / name / "0.png")
    return folder_source(tmp_path / "own")
