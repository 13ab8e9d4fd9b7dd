"""CIFAR-10 in its binary version: the layout of its records, archive and files alike, nothing pickled."""

import gzip
import os
import pickle
import tarfile

import numpy as np
import pytest

from jaxcnn import data


@pytest.fixture
def folder(tmp_path, write_cifar):
    write_cifar(tmp_path / "cifar10")
    return tmp_path


def cifar(folder, split="train"):
    return data.load("cifar10", split=split, data_dir=folder)


class TestArchive:
    def test_planes_become_channels(self, folder, cifar_records):
        train, test = cifar(folder), cifar(folder, "test")
        assert (train.images.shape, test.images.shape) == ((20, 32, 32, 3), (4, 32, 32, 3))
        record = cifar_records(2)[3073:]  # the second of the third file
        for channel in range(3):
            assert train.images[9, 1, 31, channel] == record[1 + channel * 1024 + 32 + 31]
        np.testing.assert_array_equal(train.labels[:8], [0, 1, 2, 3, 1, 2, 3, 4])
        np.testing.assert_array_equal(test.labels, [5, 6, 7, 8])
        assert train.class_names == (  # https://www.cs.toronto.edu/~kriz/cifar.html
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        )

    def test_a_browser_may_have_unpacked_the_gzip(self, folder, tmp_path):
        packed = folder / "cifar10" / "cifar-10-binary.tar.gz"
        plain = tmp_path / "plain" / "cifar10" / "cifar-10-binary.tar"
        plain.parent.mkdir(parents=True)
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        np.testing.assert_array_equal(cifar(plain.parents[1]).images, cifar(folder).images)
        plain.write_bytes(plain.read_bytes()[:20_000])
        with pytest.raises(ValueError, match=r"binary\.tar must be an intact archive, got: .*; fetch the file again"):
            cifar(plain.parents[1])

    def test_a_folder_in_its_place(self, tmp_path):
        (tmp_path / "cifar10" / "cifar-10-binary.tar.gz").mkdir(parents=True)
        with pytest.raises(IsADirectoryError, match=r"; make it a file that can be read, or remove it: .*tar\.gz"):
            cifar(tmp_path)

    def test_labels_out_of_range(self, tmp_path, write_cifar, cifar_records):
        content = bytearray(cifar_records(0))
        content[2 * 3073] = 10
        write_cifar(tmp_path / "cifar10", **{"data_batch_3.bin": bytes(content)})
        with pytest.raises(
            ValueError,
            match=r"binary\.tar\.gz: cifar-10-batches-bin/data_batch_3\.bin must hold labels of 0 to 9, got 10",
        ):
            cifar(tmp_path)

    @pytest.mark.parametrize("content", [b"", bytes(3072), bytes(3074)])
    def test_parts_of_records(self, tmp_path, write_cifar, content):
        write_cifar(tmp_path / "cifar10", **{"data_batch_5.bin": content})
        with pytest.raises(ValueError, match=rf"data_batch_5\.bin must hold .* got {len(content):,} bytes"):
            cifar(tmp_path)

    def test_larger_than_the_set(self, tmp_path, write_cifar):
        write_cifar(tmp_path / "cifar10", **{"data_batch_5.bin": bytes(10_001 * 3073)})
        with pytest.raises(
            ValueError, match=r"holds 'cifar-10-batches-bin/data_batch_5\.bin', of 30,733,073 bytes, wh"
        ):
            cifar(tmp_path)


class TestUnpacked:
    @pytest.fixture(params=["here", "in its folder"])
    def unpacked(self, request, folder, tmp_path):
        root = tmp_path / "unpacked" / "cifar10"
        with tarfile.open(folder / "cifar10" / "cifar-10-binary.tar.gz") as archive:
            for member in archive:
                path = root / (member.name.rpartition("/")[2] if request.param == "here" else member.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())
        return root.parent

    def test_equals_the_archive(self, folder, unpacked):
        for split in ("train", "test"):
            ours, theirs = cifar(unpacked, split), cifar(folder, split)
            np.testing.assert_array_equal(ours.images, theirs.images)
            np.testing.assert_array_equal(ours.labels, theirs.labels)

    def test_half_a_set(self, unpacked):
        next(unpacked.rglob("data_batch_4.bin")).unlink()
        with pytest.raises(ValueError, match=r"must hold the whole set, got it without data_batch_4\.bin"):
            cifar(unpacked)


def test_python_version_is_never_opened(tmp_path):
    class Opened:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "executed"),))

    (tmp_path / "cifar10").mkdir()
    for name in ("data_batch_1", "test_batch", "cifar-10-python.tar.gz"):
        (tmp_path / "cifar10" / name).write_bytes(pickle.dumps(Opened()))
    with pytest.raises(ValueError, match=r"looked for cifar-10-binary\.tar\.gz, .* got none of them"):
        cifar(tmp_path)
    assert not (tmp_path / "executed").exists()
