"""What streams keep without being asked: little, and of sources of which a change is noticed."""

import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import Dataset, decoded_file, records
from jaxcnn.data.builders import write_set
from jaxcnn.data.folder_source import FolderSource, folder_source
from jaxcnn.data.prepared_source import prepared_source
from jaxcnn.data.published import PUBLISHED
from jaxcnn.data.stream import stream


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "jaxcnn" / "decoded"


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "own")


def write_folder(path, pixel=0):
    for index in range(6):
        (path / f"{index % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 3), pixel + index, np.uint8)).save(path / f"{index % 2}" / f"{index}.png")
    return path


def read(source, **options):
    with stream(source, **{"batch_size": 4, "seed": 0, "epochs": 2, **options}) as batches:
        return np.concatenate([np.asarray(images)[:, 0, 0, 0] for images, _ in batches]).tolist()


def test_a_folder_is_decoded_once(folder, kept, monkeypatch):
    expected = read(folder_source(folder), cache=None)
    assert not kept.exists()
    assert read(folder_source(folder), cache=False) == expected
    assert not kept.exists()
    assert read(folder_source(folder)) == expected
    assert [path.stat().st_size for path in kept.iterdir()] == [6 * (8 + 6 + 4)]
    rows, plain = [], FolderSource.read
    monkeypatch.setattr(FolderSource, "read", lambda self, some: rows.extend(some) or plain(self, some))
    assert read(folder_source(folder)) == expected
    assert len(rows) == 1  # for the shape


def test_a_prepared_set(tmp_path, kept):
    images = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 1), dtype=np.uint8)
    dataset = Dataset(images, np.arange(20) % 10, tuple("abcdefghij"), "mnist", "full")
    prepared = write_set(tmp_path / "prepared", PUBLISHED["mnist"], {"train": dataset}, "a test", lambda: None)
    assert read(prepared_source(prepared, "train")) == read(dataset)
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("how", ["content", "links"])
def test_a_change_that_sets_the_time_back_is_noticed(folder, how):
    before = read(folder_source(folder))
    path = folder / "1" / "3.png"
    told = path.stat()
    if how == "content":
        Image.fromarray(np.full((2, 3), 9, np.uint8)).save(path)
    else:
        shutil.move(folder / "1" / "5.png", folder / "1" / "x.png")
        shutil.move(path, folder / "1" / "5.png")
        shutil.move(folder / "1" / "x.png", path)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    after = read(folder_source(folder))
    assert after == read(folder_source(folder), cache=None)
    assert after != before


def test_what_is_not_kept(folder, kept, monkeypatch):
    read([(np.zeros((2, 3, 1), np.uint8), 0)])  # of records nothing is known that would change with them
    monkeypatch.setattr(decoded_file, "MOST_KEPT", 107)
    read(folder_source(folder))
    monkeypatch.setattr(decoded_file, "MOST_KEPT", 108)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2000, 921, 1079))
    read(folder_source(folder))
    assert not any(kept.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2000, 920, 1080))
    read(folder_source(folder))
    assert any(kept.iterdir())


def test_the_oldest_makes_room(tmp_path, kept, monkeypatch):
    folders = [write_folder(tmp_path / str(index), 10 * index) for index in range(3)]
    monkeypatch.setattr(decoded_file, "MOST_KEPT", 250)  # two sets
    first, second = (one(kept, folder) for folder in folders[:2])
    os.utime(second, (0, 0))
    for name, age in (("old.part", 4000), ("new.part", 0)):
        (kept / name).write_bytes(b"")
        os.utime(kept / name, (time.time() - age,) * 2)
    gone = kept / "gone.images"  # listed and not there, as what another program removes meanwhile
    gone.symlink_to(kept / "nothing")
    third = one(kept, folders[2])
    assert set(kept.iterdir()) == {first, third, kept / "new.part", gone}


def one(kept, folder):
    before = set(kept.iterdir()) if kept.exists() else set()
    read(folder_source(folder))
    (found,) = set(kept.glob("*.images")) - before
    return found


@pytest.mark.parametrize("held", [0, 2**26])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_one_that_is_removed_meanwhile_costs_nothing_but_time(folder, kept, after, held, monkeypatch):
    monkeypatch.setattr(records, "MOST_HELD", held)
    expected = read(folder_source(folder), cache=None)
    with stream(folder_source(folder), batch_size=4, seed=0, epochs=2) as batches:
        found = [next(batches) for _ in range(after)]
        shutil.rmtree(kept)
        found += list(batches)
    assert np.concatenate([np.asarray(images)[:, 0, 0, 0] for images, _ in found]).tolist() == expected


def test_a_home_that_cannot_be_written_to(folder, kept, tmp_path):
    expected = read(folder_source(folder), cache=None)
    (tmp_path / "home").write_text("")
    assert read(folder_source(folder)) == expected
