import gzip
import tracemalloc
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given

from jaxcnn.data.idx import read_idx, read_labelled, write_idx

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
# Written by hand from the format's description: 0 0, unsigned byte, three dimensions, sizes 2, 3, 4, the bytes.
BYTES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, *range(24)])


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["plain", "packed.gz"])
class TestReadIdx:
    def test_hand_written_bytes(self, tmp_path, name):
        images = read_idx(put(tmp_path / name, BYTES), ndim=3)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, IMAGES)

    def test_takes_a_path_as_a_string(self, tmp_path, name):
        assert read_idx(str(put(tmp_path / name, BYTES)), ndim=3).shape == (2, 3, 4)

    @pytest.mark.parametrize(
        ("content", "expected", "got"),
        [
            pytest.param(b"", "00 00 08 03", "an empty file", id="empty"),
            pytest.param(b"\x00\x00", "00 00 08 03", "00 00", id="cut in the magic"),
            pytest.param(b"\x01" + BYTES[1:], "00 00 08 03", "01 00 08 03", id="magic"),
            pytest.param(b"\x00\x00\x0d" + BYTES[3:], "00 00 08 03", "00 00 0d 03", id="floats"),
            pytest.param(b"\x00\x00\x08\x01" + BYTES[4:], "00 00 08 03", "00 00 08 01", id="labels as images"),
            pytest.param(BYTES[:9], "header of 16 bytes", "got 9", id="cut in the sizes"),
            pytest.param(BYTES[:-1], "24 bytes", "got 23 bytes", id="short"),
            pytest.param(BYTES[:16], "24 bytes", "got 0 bytes", id="header alone"),
            pytest.param(BYTES + b"\x00", "24 bytes", "got more", id="long"),
            pytest.param(BYTES[:4] + bytes(4) + BYTES[8:16], "at least 1", "(0, 3, 4)", id="no images"),
        ],
    )
    def test_error_says_file_expected_and_actual(self, tmp_path, name, content, expected, got):
        path = put(tmp_path / name, content)
        with pytest.raises(ValueError, match=r"\.$") as error:
            read_idx(path, ndim=3)
        for part in (str(path), expected, got):
            assert part in str(error.value)

    def test_allocates_nothing_for_a_header_that_lies(self, tmp_path, name):
        path = put(tmp_path / name, BYTES[:4] + b"\xff" * 12 + bytes(10))
        with pytest.raises(
            ValueError, match=f"{name} declares .* {(2**32 - 1) ** 3} bytes must follow .* more than the"
        ):
            _peak_bytes(lambda: read_idx(path, ndim=3), below=4 << 20)

    def test_allocates_what_is_there_and_not_what_is_declared(self, tmp_path, name):
        path = put(tmp_path / name, BYTES[:4] + np.array([1 << 20, 28, 28], ">u4").tobytes() + bytes(10))
        with pytest.raises(ValueError, match=f"{(1 << 20) * 28 * 28} bytes must follow .* got 10 bytes"):
            _peak_bytes(lambda: read_idx(path, ndim=3), below=4 << 20)

    def test_unpacks_no_more_than_declared(self, tmp_path, name):
        path = put(tmp_path / name, BYTES + bytes(64 << 20))
        with pytest.raises(ValueError, match="got more"):
            _peak_bytes(lambda: read_idx(path, ndim=3), below=4 << 20)

    def test_missing_file_stays_an_os_error(self, tmp_path, name):
        with pytest.raises(FileNotFoundError, match=name):
            read_idx(tmp_path / name, ndim=3)


def _peak_bytes(call, *, below: int) -> None:
    tracemalloc.start()
    try:
        call()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < below


class TestGzipIntegrity:
    PACKED = gzip.compress(BYTES, mtime=0)

    def _refuses(self, path: Path, content: bytes, reason: str) -> None:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"set.gz must be an intact gzip file, got: .*{reason}"):
            read_idx(path, ndim=3)

    def test_checksum(self, tmp_path):
        broken = bytearray(self.PACKED)
        broken[-8] ^= 1  # the trailer: four bytes of CRC, four of length
        self._refuses(tmp_path / "set.gz", bytes(broken), "CRC")

    def test_length(self, tmp_path):
        broken = bytearray(self.PACKED)
        broken[-4] ^= 1
        self._refuses(tmp_path / "set.gz", bytes(broken), "length")

    @pytest.mark.parametrize("keep", [-1, -9, 12, 3])
    def test_cut_short(self, tmp_path, keep):
        self._refuses(tmp_path / "set.gz", self.PACKED[:keep], "")

    def test_not_gzip(self, tmp_path):
        self._refuses(tmp_path / "set.gz", BYTES, "Not a gzipped file")

    def test_broken_stream(self, tmp_path):
        self._refuses(tmp_path / "set.gz", self.PACKED[:10] + b"\xff" * 20, "invalid block type")

    def test_rubbish_behind_the_stream(self, tmp_path):
        self._refuses(tmp_path / "set.gz", self.PACKED + b"rubbish", "Not a gzipped file")


class TestReadLabelled:
    def test_pair(self, tmp_path):
        write_idx(tmp_path / "images", IMAGES)
        write_idx(tmp_path / "labels.gz", np.array([5, 0], np.uint8))
        images, labels = read_labelled(tmp_path / "images", tmp_path / "labels.gz")
        np.testing.assert_array_equal(images, IMAGES)
        np.testing.assert_array_equal(labels, [5, 0])

    def test_counts_must_agree(self, tmp_path):
        write_idx(tmp_path / "images", IMAGES)
        write_idx(tmp_path / "labels", np.zeros(3, np.uint8))
        with pytest.raises(ValueError, match=r"labels must hold one label for each of the 2 images of .*images, got 3"):
            read_labelled(tmp_path / "images", tmp_path / "labels")


class TestWriteIdx:
    def test_hand_written_bytes(self, tmp_path):
        write_idx(tmp_path / "plain", IMAGES)
        assert (tmp_path / "plain").read_bytes() == BYTES

    def test_gzip_is_deterministic(self, tmp_path):
        for name in ("a.gz", "b.gz"):
            write_idx(tmp_path / name, IMAGES)
        packed = (tmp_path / "a.gz").read_bytes()
        assert packed == (tmp_path / "b.gz").read_bytes()
        assert gzip.decompress(packed) == BYTES
        # RFC 1952: magic, deflate, no flags (so no file name), time 0, "slowest", unknown system
        assert packed[:10] == b"\x1f\x8b\x08\x00" + bytes(4) + b"\x02\xff"

    @given(array=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)))
    def test_round_trip(self, tmp_path_factory, array):
        path = tmp_path_factory.mktemp("idx") / "any.gz"
        write_idx(path, array)
        np.testing.assert_array_equal(read_idx(path, ndim=array.ndim), array)

    @pytest.mark.parametrize("array", [np.array(3, np.uint8), np.zeros((2, 0), np.uint8)], ids=["scalar", "empty"])
    def test_refuses_what_cannot_be_read_back(self, tmp_path, array):
        with pytest.raises(ValueError, match=r"array must .* got"):
            write_idx(tmp_path / "set", array)
        assert list(tmp_path.iterdir()) == []

    def test_failed_write_leaves_the_old_file_alone(self, tmp_path, monkeypatch):
        path = tmp_path / "set"
        path.write_bytes(b"old")

        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            write_idx(path, IMAGES)
        assert [file.name for file in tmp_path.iterdir()] == ["set"]
        assert path.read_bytes() == b"old"

    def test_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            write_idx(tmp_path / "nowhere" / "set", IMAGES)
