"""Preparing: what `load` then finds, and that nothing stays behind whatever goes wrong."""

import dataclasses
import errno
import hashlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxcnn import data
from jaxcnn.data import prepared
from jaxcnn.data.idx import file_names, write_idx
from jaxcnn.data.places import places
from jaxcnn.data.prepare import prepare
from jaxcnn.data.prepared_source import PreparedSource
from jaxcnn.data.published import CLASS_NAMES, PUBLISHED, RemoteFile
from jaxcnn.data.records import RecordFile
from jaxcnn.locking import exclusive

module = importlib.import_module("jaxcnn.data.prepare")
load_module = importlib.import_module("jaxcnn.data.load")
IMAGES, LABELS = (f"{name}.gz" for name in file_names("train"))


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path) -> Path:
    """An empty cache folder, and a machine with neither sets nor network."""
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    monkeypatch.setattr(load_module, "DEBIAN_FOLDERS", {"fashion_mnist": tmp_path / "debian"})
    monkeypatch.setattr("urllib.request.getproxies", dict)

    def refuse(*_, **__):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("socket.create_connection", refuse)
    return tmp_path / "cache" / "jaxcnn" / "datasets"


@pytest.fixture
def local(tmp_path, write_set) -> Path:
    """A folder with mnist/: 20 images a split, whose pixels tell them apart."""
    for number, prefix in enumerate(("train", "t10k")):
        write_set(tmp_path / "local" / "mnist", prefixes=[prefix])
        pixels = (np.arange(20 * 5 * 4) * 7 + number).astype(np.uint8).reshape(20, 5, 4)
        write_idx(tmp_path / "local" / "mnist" / f"{file_names(prefix)[0]}.gz", pixels)
    return tmp_path / "local"


def left_behind(cache: Path) -> list[str]:
    """Every file but the locks."""
    return sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file() and p.suffix != ".lock")


def assert_equals_local(local: Path) -> None:
    for split in ("train", "test"):
        ours, theirs = data.load("mnist", split=split), data.load("mnist", split=split, data_dir=local)
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert (ours.class_names, ours.name, ours.source) == (theirs.class_names, "mnist", "full")


class TestFromLocalFiles:
    def test_equals_the_idx_files_image_by_image_without_tensorflow(self, local, cache):
        folder = prepare("mnist", data_dir=local)
        assert folder == cache / "mnist" / "3.0.1"
        assert_equals_local(local)
        assert "tensorflow" not in sys.modules
        assert all(name.startswith("mnist/3.0.1/") for name in left_behind(cache))

    def test_origin_and_place_are_noted(self, local):
        folder = prepare("mnist", data_dir=local)
        place = next(place for place in places() if place.name == "mnist")
        assert (place.kind, place.folder, place.origin) == ("prepared", folder, str(local / "mnist"))
        assert place.size == sum(file.stat().st_size for file in folder.iterdir())

    def test_tfds_name_reads_it_too(self, local):
        prepare("mnist", data_dir=local)
        assert data.load("tfds:mnist", split="test").name == "tfds:mnist"

    def test_environment_and_debian_are_found(self, local, monkeypatch, tmp_path, write_set):
        monkeypatch.setenv("JAXCNN_DATA_DIR", str(local))
        assert prepared.origin(prepare("mnist")) == str(local / "mnist")
        write_set(tmp_path / "debian")
        assert prepared.origin(prepare("fashion_mnist")) == str(tmp_path / "debian")

    def test_environment_comes_before_it_and_debian_behind(self, tmp_path, write_set, monkeypatch):
        write_set(tmp_path / "local" / "fashion_mnist", pixel=1)
        prepare("fashion_mnist", data_dir=tmp_path / "local")
        write_set(tmp_path / "debian", pixel=2)
        assert data.load("fashion_mnist").images[0, 0, 0, 0] == 1
        write_set(tmp_path / "named" / "fashion_mnist", pixel=3)
        monkeypatch.setenv("JAXCNN_DATA_DIR", str(tmp_path / "named"))
        assert data.load("fashion_mnist").images[0, 0, 0, 0] == 3

    def test_prepared_set_is_left_alone(self, local):
        folder, told = prepare("mnist", data_dir=local), []
        before = (folder / "features.json").stat().st_mtime_ns
        assert prepare("mnist", data_dir=local, tell=told.append) == folder
        assert (folder / "features.json").stat().st_mtime_ns == before
        assert "prepared already" in told[0]

    def test_set_without_a_sample_becomes_available(self, tmp_path, write_set):
        assert "kmnist" not in data.available()
        write_set(tmp_path / "local" / "kmnist")
        prepare("kmnist", data_dir=tmp_path / "local")
        assert data.available() == ("fashion_mnist", "kmnist", "mnist")


class TestForStreams:
    def test_images_lie_decoded(self, local, cache, monkeypatch):
        prepare("mnist", data_dir=local)
        for _ in range(2):
            assert_streams_decode_nothing(monkeypatch)
            shutil.rmtree(cache.parent / "decoded")
            prepare("mnist", data_dir=local, tell=lambda sentence: None)  # a set that is there already

    @pytest.mark.parametrize("where", ["no folder", "full disk", "full meanwhile"])
    def test_a_cache_that_cannot_be_used_is_done_without(self, local, cache, monkeypatch, where):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        if where == "no folder":
            cache.parent.mkdir(parents=True)
            (cache.parent / "decoded").write_text("a file")
        elif where == "full disk":
            monkeypatch.setattr(os, "posix_fallocate", full)
        else:
            monkeypatch.setattr(RecordFile, "write", full)
        prepare("mnist", data_dir=local)
        assert_equals_local(local)
        assert not list((cache.parent / "decoded").glob("*.part"))


def assert_streams_decode_nothing(monkeypatch) -> None:
    """But for the image that tells their shape."""
    rows, plain = [], PreparedSource.read
    with monkeypatch.context() as patch:
        patch.setattr(PreparedSource, "read", lambda self, some: rows.extend(some) or plain(self, some))
        for name, split in (("mnist", "train"), ("tfds:mnist", "test")):
            with data.stream(name, split=split, batch_size=20, seed=0, epochs=1) as batches:
                found, expected = next(batches), data.load(name, split=split)
            order = np.lexsort(np.asarray(found.images).reshape(20, -1).T)
            whole = np.lexsort(expected.images.reshape(20, -1).T)
            np.testing.assert_array_equal(np.asarray(found.images)[order], expected.images[whole])
            np.testing.assert_array_equal(np.asarray(found.labels)[order], expected.labels[whole])
    assert rows == [0, 0]


class TestBadInput:
    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            (IMAGES, b"\x1f\x8b\x08\x00", "must be an intact gzip file"),
            (IMAGES, b"not gzip at all", "must be an intact gzip file"),
            (IMAGES.removesuffix(".gz"), b"\x00\x00\x0d\x03" + bytes(12), "must begin with 00 00 08 03"),
            (IMAGES.removesuffix(".gz"), b"\x00\x00\x08\x03" + b"\xff" * 12, "declares shape .* bytes must follow"),
            (
                LABELS.removesuffix(".gz"),
                b"\x00\x00\x08\x01\x00\x00\x00\x14" + b"\x0a" * 20,
                "labels must lie in 0 to 9",
            ),
        ],
        ids=["cut", "no gzip", "magic", "huge shape", "labels"],
    )
    def test_nothing_is_left(self, local, cache, file, content, message):
        (local / "mnist" / f"{file.removesuffix('.gz')}.gz").unlink()
        (local / "mnist" / file).write_bytes(content)
        with pytest.raises(ValueError, match=f"{file}.* {message}"):
            prepare("mnist", data_dir=local)
        assert left_behind(cache) == []

    def test_data_dir_without_the_set(self, tmp_path, cache):
        with pytest.raises(ValueError, match=r"data_dir=.* must hold mnist, .* got none of them"):
            prepare("mnist", data_dir=tmp_path)
        assert not cache.exists()

    @pytest.mark.parametrize("name", ["../mnist", "tfds:mnist", "cifar", "emnist"])
    def test_unknown_name(self, name):
        with pytest.raises(ValueError, match=f"name must be one of cifar10, .*, kmnist, mnist, got '{name}'"):
            prepare(name)

    def test_half_a_set_in_its_place_is_not_overwritten(self, local, cache):
        (cache / "mnist" / "3.0.1").mkdir(parents=True)
        with pytest.raises(ValueError, match=r"3\.0\.1 must be a prepared set or absent"):
            prepare("mnist", data_dir=local)

    @pytest.mark.parametrize(
        ("name", "ways"),
        [
            ("mnist", "mnist/train-"),
            ("fashion_mnist", "dataset-fashion-mnist"),
            ("emnist/mnist", "emnist/gzip.zip"),
            ("cifar10", "cifar10/cifar-10-binary.tar.gz"),
        ],
    )
    def test_no_network_names_the_ways_without(self, cache, name, ways):
        with pytest.raises(ConnectionError) as error:
            prepare(name)
        for part in (f"{name} can't be downloaded", "unreachable", "--data-dir", ways, "sample"):
            assert part in str(error.value)
        assert left_behind(cache) == []

    def test_cache_that_is_no_folder(self, local, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("a file")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        with pytest.raises(OSError, match=r"cache folder .*file/jaxcnn/datasets can't be written to .* XDG_CACHE_HOME"):
            prepare("mnist", data_dir=local)

    def test_read_only_cache(self, local, cache, monkeypatch):
        def refuse(path, *_, **__):
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(module, "exclusive", refuse)
        with pytest.raises(OSError, match=r"mnist can't be prepared, as the cache folder .* \(.*Read-only file system"):
            prepare("mnist", data_dir=local)

    def test_unreadable_source_is_not_blamed_on_the_cache(self, local, cache, monkeypatch):
        def refuse(*_):
            raise PermissionError(errno.EACCES, "Permission denied", str(local / "mnist" / IMAGES))

        monkeypatch.setattr(module, "read_split", refuse)
        with pytest.raises(PermissionError, match=IMAGES):
            prepare("mnist", data_dir=local)
        assert left_behind(cache) == []

    def test_writer_that_fails_otherwise(self, local, cache, monkeypatch):
        def refuse(*_):
            raise RuntimeError("write() failed:\nFile too large")

        monkeypatch.setattr(module, "write_set", refuse)
        with pytest.raises(OSError, match=r"mnist can't be prepared, .* \(write\(\) failed: File too large\)"):
            prepare("mnist", data_dir=local)
        assert left_behind(cache) == []

    def test_no_home(self, local, monkeypatch):
        def homeless(_):
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr("jaxcnn.data.prepared.user_cache", homeless)
        with pytest.raises(OSError, match="name one by XDG_CACHE_HOME"):
            prepare("mnist", data_dir=local)


def full_disk(root, *_):
    (root / "half.array_record").write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def full_disk_by_words(root, *_):
    (root / "half.array_record").write_bytes(b"half")
    raise RuntimeError("UNKNOWN: write() failed: No space left on device")


@pytest.mark.parametrize("write", [full_disk, full_disk_by_words])
def test_full_disk_leaves_nothing(local, cache, monkeypatch, write):
    (cache / ".downloads" / "mnist").mkdir(parents=True)
    (cache / ".downloads" / "mnist" / f"{IMAGES}.part").write_bytes(b"half")
    monkeypatch.setattr(module, "write_set", write)
    with pytest.raises(OSError, match=r"mnist can't be prepared, as the disk of .* is full; free .* XDG_CACHE_HOME"):
        prepare("mnist", data_dir=local)
    assert left_behind(cache) == []


# Dies by SIGKILL, which nothing in the process can soften: at an example, or just before the set moves to its place.
KILLED = """
import os, signal, sys
from jaxcnn.data import builders, prepare
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "writing":
    count = iter(range(13))
    whole = builders._examples
    builders._examples = lambda dataset, advance: whole(dataset, lambda: next(count, None) is None and die())
else:
    prepare.os.replace = die
prepare.prepare("mnist", data_dir=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("moment", ["writing", "moving"])
def test_killed_preparation_starts_clean(local, cache, moment):
    died = subprocess.run([sys.executable, "-c", KILLED, str(local), moment], capture_output=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert (cache / ".mnist.staging" / "mnist").is_dir(), "it died before it wrote"
    assert not (cache / "mnist" / "3.0.1").exists()
    assert data.load("mnist").source == "sample"
    assert "tfds:mnist" not in data.available()
    prepare("mnist", data_dir=local)
    assert_equals_local(local)
    assert not (cache / ".mnist.staging").exists()


def test_second_preparation_waits_for_the_first(local, cache):
    told, waits = [], threading.Event()
    cache.mkdir(parents=True)

    def second():
        prepare("mnist", data_dir=local, tell=lambda sentence: (told.append(sentence), waits.set()))

    thread = threading.Thread(target=second)
    with exclusive(cache / ".mnist.lock", waiting=lambda: None):
        thread.start()
        assert waits.wait(60)
        assert left_behind(cache) == []
    thread.join(60)
    assert told == ["Another process prepares mnist; waiting for it."]
    assert_equals_local(local)


def served(monkeypatch, *names: str, **files: bytes) -> None:
    """Has the named sets published as these files, and the network give them."""
    remote = tuple(
        RemoteFile(f"http://example.org/set/{name}", len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
    for name in names:
        monkeypatch.setitem(PUBLISHED, name, dataclasses.replace(PUBLISHED[name], files=remote))

    def fetch(remote, folder, advance):
        (folder / remote.name).write_bytes(files[remote.name])
        advance(remote.size)
        return folder / remote.name

    monkeypatch.setattr(module, "fetch", fetch)


def test_download_is_used_and_then_removed(local, cache, monkeypatch):
    served(monkeypatch, "mnist", **{file.name: file.read_bytes() for file in (local / "mnist").iterdir()})
    folder = prepare("mnist")
    assert prepared.origin(folder) == "http://example.org/set"
    assert_equals_local(local)
    assert all(name.startswith("mnist/3.0.1/") for name in left_behind(cache))


def test_archive_is_kept_until_its_last_set_is_prepared(cache, monkeypatch, write_emnist, tmp_path):
    archive = write_emnist(tmp_path / "emnist", "digits", "mnist").read_bytes()
    others = [
        name for name in PUBLISHED if name.startswith("emnist/") and name not in ("emnist/digits", "emnist/mnist")
    ]
    for name in others:
        monkeypatch.delitem(PUBLISHED, name)
        monkeypatch.delitem(CLASS_NAMES, name)
    served(monkeypatch, "emnist/digits", "emnist/mnist", **{"gzip.zip": archive})
    told = []
    prepare("emnist/digits", tell=told.append)
    assert (cache / ".downloads" / "emnist" / "gzip.zip").is_file()
    assert "is kept, as emnist/mnist can be prepared from it too" in told[0]
    assert [(place.name, place.size) for place in places() if place.kind == "download"] == [("emnist", len(archive))]
    prepare("emnist/mnist", tell=told.append)
    assert not (cache / ".downloads" / "emnist").exists()
    assert len(told) == 1


@pytest.mark.parametrize("name", ["emnist/letters", "cifar10"])
def test_archives_are_prepared_as_they_load(cache, write_emnist, write_cifar, tmp_path, name):
    write_emnist(tmp_path / "local" / "emnist", "letters")
    write_cifar(tmp_path / "local" / "cifar10")
    folder = prepare(name, data_dir=tmp_path / "local")
    assert folder == cache / name / PUBLISHED[name].version
    for split in ("train", "test"):
        there, ours, theirs = (
            data.load(name, split=split, data_dir=tmp_path / "local"),
            data.load(name, split=split),
            data.load(f"tfds:{name}", split=split),
        )
        for each in (ours, theirs):
            np.testing.assert_array_equal(each.images, there.images)
            np.testing.assert_array_equal(each.labels, there.labels)
            assert each.class_names == there.class_names
    assert name in data.available()
    assert f"tfds:{name}" not in data.available()


FULL = Path(os.environ.get("JAXCNN_DATA_DIR", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_full_set_equals_the_idx_files(name):
    if not (FULL / name).is_dir():
        pytest.skip(f"needs the full {name}: name its folder by JAXCNN_DATA_DIR")
    folder = prepare(name, data_dir=FULL)
    for split, count in (("train", 60_000), ("test", 10_000)):
        ours, theirs = data.load(name, split=split), data.load(name, split=split, data_dir=FULL)
        assert len(ours) == count
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
    with prepared.quiet():  # and as TFDS itself reads it
        source = tfds.builder_from_directory(folder).as_data_source("test")
        for start in range(0, count, 1000):
            examples = source.__getitems__(range(start, start + 1000))
            rows = slice(start, start + 1000)
            np.testing.assert_array_equal([example["image"] for example in examples], theirs.images[rows])
            np.testing.assert_array_equal([example["label"] for example in examples], theirs.labels[rows])
