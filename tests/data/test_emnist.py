"""EMNIST from an archive and from its files: upright, classes from 0, and what is said of damaged members."""

import gzip
import zipfile

import numpy as np
import pytest

from jaxcnn import data
from jaxcnn.data.published import CLASS_NAMES

LABELS = "gzip/emnist-letters-train-labels-idx1-ubyte.gz"
IMAGES = "gzip/emnist-letters-train-images-idx3-ubyte.gz"


@pytest.fixture
def folder(tmp_path, write_emnist):
    write_emnist(tmp_path / "emnist", "letters", "digits")
    return tmp_path


def letters(folder, split="train"):
    return data.load("emnist/letters", split=split, data_dir=folder)


class TestArchive:
    def test_upright_and_from_zero(self, folder):
        train, test = letters(folder), letters(folder, "test")
        assert (train.images.shape, test.images.shape) == ((8, 5, 6, 1), (4, 5, 6, 1))
        # Row 0 of the upright image is column 0 of the file's 6×5 image: every fifth byte.
        np.testing.assert_array_equal(train.images[0, 0, :, 0], np.arange(6) * 5 + 5)
        np.testing.assert_array_equal(train.labels, np.arange(8))
        np.testing.assert_array_equal(test.labels, np.arange(4))
        assert (train.name, train.source, train.class_names[0]) == ("emnist/letters", "full", "A/a")

    def test_digits_count_from_zero_already(self, folder):
        np.testing.assert_array_equal(data.load("emnist/digits", data_dir=folder).labels, np.arange(8))

    def test_part_that_the_archive_lacks(self, folder):
        with pytest.raises(ValueError, match=r"gzip\.zip must hold gzip/emnist-mnist-train-images-idx3-ubyte\.gz, got"):
            data.load("emnist/mnist", data_dir=folder)

    @pytest.mark.parametrize("label", [0, 27])
    def test_labels_out_of_range(self, tmp_path, write_emnist, idx_bytes, label):
        labels = np.array([1, 2, 3, label, 5, 6, 7, 8], np.uint8)
        write_emnist(tmp_path / "emnist", "letters", **{LABELS: idx_bytes(labels)})
        with pytest.raises(
            ValueError, match=rf"gzip\.zip: {LABELS} must hold labels of 1 to 26, got {label} at index 3\."
        ):
            letters(tmp_path)

    @pytest.mark.parametrize(
        ("member", "content", "message"),
        [
            (IMAGES, b"\x1f\x8b\x08\x00", "must be an intact gzip file"),
            (IMAGES, gzip.compress(b"\x00\x00\x08\x01" + bytes(20)), "must begin with 00 00 08 03"),
            (IMAGES, gzip.compress(b"\x00\x00\x08\x03" + b"\xff" * 12), "declares shape"),
            (LABELS, gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x01\x01"), "must hold one label for each of the 8"),
        ],
        ids=["gzip", "magic", "huge shape", "counts"],
    )
    def test_damaged_member_is_named_with_its_archive(self, tmp_path, write_emnist, member, content, message):
        write_emnist(tmp_path / "emnist", "letters", **{member: content})
        with pytest.raises(ValueError, match=rf"gzip\.zip: {member} {message}"):
            letters(tmp_path)


class TestUnpacked:
    @pytest.fixture(params=["here", "in gzip/", "without .gz"])
    def unpacked(self, request, folder, tmp_path):
        """The same set as files, in one of the forms in which people have them."""
        root = tmp_path / "unpacked" / "emnist"
        with zipfile.ZipFile(folder / "emnist" / "gzip.zip") as archive:
            for name in archive.namelist():
                path = root / (name if request.param == "in gzip/" else name.removeprefix("gzip/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                content = archive.read(name)
                if request.param == "without .gz":
                    path, content = path.with_suffix(""), gzip.decompress(content)
                path.write_bytes(content)
        return root.parent

    def test_equals_the_archive(self, folder, unpacked):
        for split in ("train", "test"):
            ours, theirs = letters(unpacked, split), letters(folder, split)
            np.testing.assert_array_equal(ours.images, theirs.images)
            np.testing.assert_array_equal(ours.labels, theirs.labels)

    def test_half_a_set(self, unpacked):
        next(unpacked.rglob("emnist-letters-train-labels*")).unlink()
        with pytest.raises(ValueError, match="must hold the whole set, got it without emnist-letters-train-labels"):
            letters(unpacked)


def test_folder_without_the_set_names_every_form(tmp_path):
    with pytest.raises(
        ValueError, match=r"must hold emnist/letters, looked for gzip\.zip, emnist-letters-train-images"
    ):
        letters(tmp_path)


def test_class_names_are_those_of_the_mappings():
    # From the paper's table II, and the codes in emnist-bymerge-mapping.txt that stand for small letters.
    counts = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}
    assert {name: len(CLASS_NAMES[f"emnist/{name}"]) for name in counts} == counts
    assert [ord(name) for name in CLASS_NAMES["emnist/balanced"][36:]] == [
        *(97, 98, 100, 101, 102, 103, 104),
        *(110, 113, 114, 116),
    ]
    assert [ord(name) for name in CLASS_NAMES["emnist/byclass"]] == [*range(48, 58), *range(65, 91), *range(97, 123)]
