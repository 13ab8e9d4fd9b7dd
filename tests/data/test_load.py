import gzip
import hashlib
import importlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from jaxcnn import data
from jaxcnn.data.idx import write_idx

module = importlib.import_module("jaxcnn.data.load")  # the package's `load` is the function
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.fixture(autouse=True)
def _clean_machine(monkeypatch, tmp_path):
    """No environment variable, nothing prepared, and Debian's package not installed."""
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    monkeypatch.setattr(module, "DEBIAN_FOLDERS", {"fashion_mnist": tmp_path / "debian"})


def pixel(dataset: data.Dataset) -> int:
    return int(dataset.images[0, 0, 0, 0])


class TestSearchOrder:
    @pytest.fixture(autouse=True)
    def _every_place(self, tmp_path, write_set, monkeypatch):
        write_set(tmp_path / "named" / "fashion_mnist", pixel=1)
        write_set(tmp_path / "environment" / "fashion_mnist", pixel=2)
        write_set(tmp_path / "debian", pixel=3)
        write_set(tmp_path / "samples" / "fashion_mnist", pixel=4)
        monkeypatch.setenv("JAXCNN_DATA_DIR", str(tmp_path / "environment"))
        monkeypatch.setattr(module, "SAMPLES", tmp_path / "samples")

    def test_named_folder_comes_first(self, tmp_path):
        dataset = data.load("fashion_mnist", data_dir=tmp_path / "named")
        assert (pixel(dataset), dataset.source) == (1, "full")

    def test_then_the_environment(self):
        dataset = data.load("fashion_mnist")
        assert (pixel(dataset), dataset.source) == (2, "full")

    @pytest.mark.parametrize("value", [None, "", "/nowhere/at/all"])
    def test_then_debian(self, monkeypatch, value):
        monkeypatch.delenv("JAXCNN_DATA_DIR") if value is None else monkeypatch.setenv("JAXCNN_DATA_DIR", value)
        dataset = data.load("fashion_mnist")
        assert (pixel(dataset), dataset.source) == (3, "full")

    def test_then_the_sample(self, tmp_path):
        shutil.rmtree(tmp_path / "environment" / "fashion_mnist")
        shutil.rmtree(tmp_path / "debian")
        dataset = data.load("fashion_mnist")
        assert (pixel(dataset), dataset.source) == (4, "sample")

    def test_debian_has_no_mnist(self, tmp_path, write_set):
        write_set(tmp_path / "samples" / "mnist", pixel=5)
        assert pixel(data.load("mnist")) == 5

    def test_named_folder_without_the_set_is_an_error(self, tmp_path):
        with pytest.raises(ValueError, match=r"data_dir=.* must hold mnist, looked for train-.*"):
            data.load("mnist", data_dir=tmp_path / "named")

    def test_error_names_every_file_and_the_folder(self, tmp_path):
        with pytest.raises(ValueError, match="got none of them") as error:
            data.load("mnist", data_dir=str(tmp_path / "nowhere"))
        files = [f"{prefix}-{kind}-ubyte.gz" for prefix in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
        for part in (*files, str(tmp_path / "nowhere" / "mnist"), "without .gz"):
            assert part in str(error.value)

    def test_tilde_expands(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert pixel(data.load("fashion_mnist", data_dir="~/named")) == 1
        monkeypatch.setenv("JAXCNN_DATA_DIR", "~/named")
        assert pixel(data.load("fashion_mnist")) == 1

    def test_file_in_place_of_the_folder_holds_no_set(self, tmp_path, monkeypatch):
        (tmp_path / "odd").mkdir()
        (tmp_path / "odd" / "fashion_mnist").write_text("a file")
        monkeypatch.setenv("JAXCNN_DATA_DIR", str(tmp_path / "odd"))
        assert pixel(data.load("fashion_mnist")) == 3


class TestContent:
    @pytest.mark.parametrize("suffix", [".gz", ""])
    def test_splits_and_record(self, tmp_path, write_set, suffix):
        folder = tmp_path / "mnist"
        write_set(folder, prefixes=["train"], pixel=1, count=20, suffix=suffix)
        write_set(folder, prefixes=["t10k"], pixel=2, count=10, suffix=suffix)
        train, test = (data.load("mnist", split=split, data_dir=tmp_path) for split in ("train", "test"))
        assert (pixel(train), pixel(test)) == (1, 2)
        assert (train.images.shape, test.images.shape) == ((20, 5, 4, 1), (10, 5, 4, 1))
        assert (train.images.dtype, train.labels.dtype) == (np.uint8, np.int32)
        np.testing.assert_array_equal(test.labels, np.arange(10))
        assert train.name == "mnist"

    def test_gz_goes_before_plain(self, tmp_path, write_set):
        write_set(tmp_path / "mnist", suffix="", pixel=1)
        write_set(tmp_path / "mnist", suffix=".gz", pixel=2)
        assert pixel(data.load("mnist", data_dir=tmp_path)) == 2

    def test_class_names(self, tmp_path, write_set):
        for name in data.available():
            write_set(tmp_path / name)
        # https://codh.rois.ac.jp/kmnist/: one character a row of hiragana, from a to wa
        assert len(module.CLASS_NAMES["kmnist"]) == 10
        assert data.load("mnist", data_dir=tmp_path).class_names == tuple("0123456789")
        # https://github.com/zalandoresearch/fashion-mnist#labels
        assert data.load("fashion_mnist", data_dir=tmp_path).class_names == (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        )


class TestBrokenSets:
    """A set that is not whole is an error in every place: falling back would hide it."""

    @pytest.fixture(params=["data_dir", "environment", "debian"])
    def place(self, request, tmp_path, write_set, monkeypatch):
        folder = write_set(tmp_path / ("debian" if request.param == "debian" else "root/fashion_mnist"))
        if request.param == "environment":
            monkeypatch.setenv("JAXCNN_DATA_DIR", str(tmp_path / "root"))
        self.data_dir = tmp_path / "root" if request.param == "data_dir" else None
        return folder

    def _refuses(self, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            data.load("fashion_mnist", data_dir=self.data_dir)

    @pytest.mark.parametrize("file", [IMAGES, LABELS])
    def test_half_a_pair(self, place, file):
        (place / file).unlink()
        self._refuses(f"must hold the whole set, got it without {file} ")

    def test_other_split_alone(self, place):
        for file in (IMAGES, LABELS):
            (place / file).unlink()
        self._refuses("must hold the whole set")

    def test_damaged_file(self, place):
        packed = (place / IMAGES).read_bytes()
        (place / IMAGES).write_bytes(packed[:-4])
        self._refuses(f"{IMAGES} must be an intact gzip file")

    def test_counts(self, place):
        write_idx(place / LABELS, np.zeros(19, np.uint8))
        self._refuses(f"{LABELS} must hold one label for each of the 20 images")

    def test_label_out_of_range(self, place):
        write_idx(place / LABELS, np.full(20, 10, np.uint8))
        self._refuses(f"{LABELS} does not fit fashion_mnist: labels must lie in 0 to 9 .* got 10")

    def test_dangling_link(self, place):
        (place / IMAGES).unlink()
        (place / IMAGES).symlink_to(place / "gone")
        with pytest.raises(FileNotFoundError, match=rf"; make it a file that can be read, or remove it: .*{IMAGES}"):
            data.load("fashion_mnist", data_dir=self.data_dir)


class TestArguments:
    def test_available(self):
        assert data.available() == ("fashion_mnist", "mnist")

    @pytest.mark.parametrize("name", ["fashion-mnist", "MNIST", "", "tfds:", "folder:", "npz:a", "../mnist", "emnist"])
    def test_unknown_name_lists_the_known_ones(self, name):
        known = "cifar10, emnist/balanced, .*, emnist/mnist, fashion_mnist, kmnist, mnist, tfds:NAME or folder:PATH"
        with pytest.raises(ValueError, match=f"name must be one of {known}, got '{name}'"):
            data.load(name)

    @pytest.mark.parametrize("name", ["cifar10", "emnist/letters", "kmnist"])
    def test_set_without_a_sample_names_the_way_to_it(self, name):
        with pytest.raises(
            ValueError, match=rf"{name} has no sample, .* python -m experiments\.prepare {name}, or .*data_dir"
        ):
            data.load(name)

    def test_pickled_npz_is_never_opened(self, tmp_path):
        class Opened:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "executed"),))

        (tmp_path / "mnist").mkdir()
        np.savez(tmp_path / "mnist" / "mnist.npz", images=np.array([Opened()], dtype=object))
        with pytest.raises(ValueError, match="got none of them"):
            data.load("mnist", data_dir=tmp_path)
        assert not (tmp_path / "executed").exists()

    @pytest.mark.parametrize("split", ["t10k", "validation", "Train"])
    def test_unknown_split_lists_the_known_ones(self, split):
        with pytest.raises(ValueError, match=f"split must be one of train, test, got '{split}'"):
            data.load("mnist", split=split)


class TestSamples:
    @pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
    @pytest.mark.parametrize(("split", "count"), [("train", 8_000), ("test", 2_000)])
    def test_counts(self, name, split, count):
        sample = data.load(name, split=split)
        assert sample.source == "sample"
        assert (sample.images.shape, sample.images.dtype) == ((count, 28, 28, 1), np.uint8)
        shares = np.bincount(sample.labels) / count
        assert len(shares) == 10
        np.testing.assert_allclose(shares, 0.1, atol=0 if name == "fashion_mnist" else 0.015)
        assert len(set(sample.labels[:100])) == 10, "sorted by class"

    @pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
    def test_no_image_is_in_both_splits(self, name):
        train, test = ({bytes(image) for image in data.load(name, split=split).images} for split in ("train", "test"))
        assert (len(train), len(test)) == (8_000, 2_000)
        assert not train & test

    def test_content_is_what_the_readme_says(self):
        lines = (module.SAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
        sums = dict(reversed(line.split()) for line in lines if line.endswith("-ubyte"))
        assert len(sums) == 8
        for file, expected in sums.items():
            content = gzip.decompress((module.SAMPLES / f"{file}.gz").read_bytes())
            assert hashlib.sha256(content).hexdigest() == expected

    @pytest.mark.parametrize(("name", "owner"), [("mnist", "LeCun"), ("fashion_mnist", "Zalando SE")])
    def test_licence_lies_beside(self, name, owner):
        text = (module.SAMPLES / name / "LICENSE").read_text(encoding="utf-8")
        assert owner in text
        assert "Permission is hereby granted" in text


# MD5 of the uncompressed files, as published for MNIST
FULL_MNIST_IMAGES = {"train": "6bbc9ace898e44ae57da46a324031adb", "test": "2646ac647ad5339dbf082846283269ea"}


def _full_sets() -> Path:
    root = Path(__file__).resolve().parents[2]
    found = [Path(p).expanduser() for p in (os.environ.get("JAXCNN_DATA_DIR"), root.parent / "shared" / "data") if p]
    return next((place for place in found if (place / "mnist").is_dir()), root / "absent")


FULL_SETS = _full_sets()


@pytest.mark.skipif(not FULL_SETS.is_dir(), reason="no full MNIST in JAXCNN_DATA_DIR or ../shared/data")
class TestFullSets:
    @pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
    def test_mnist(self, split, count):
        full = data.load("mnist", split=split, data_dir=FULL_SETS)
        header = bytes([0, 0, 8, 3]) + np.array([count, 28, 28], ">u4").tobytes()
        assert hashlib.md5(header + full.images.tobytes()).hexdigest() == FULL_MNIST_IMAGES[split]
        assert full.source == "full"
