"""Archives made to do harm, or damaged, are refused by name; nothing is ever written."""

import contextlib
import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.data.archives import tar_members, zip_members

GOOD = {"set/a": b"first" * 50, "set/b": b"second" * 50}
OUTSIDE = ["../x", "/etc/x", "set/../../x", "set/..", "C:\\x", "c:x", "..\\x", "set\\..\\..\\x"]


def pack_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], method=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in [*GOOD.items(), *members]:
            archive.writestr(name, content)
    return path


def pack_tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in [*GOOD.items(), *members]:
            info, content = (
                (member, b"") if isinstance(member, tarfile.TarInfo) else (tarfile.TarInfo(member[0]), member[1])
            )
            if content:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read_zip(path: Path, largest=1000) -> dict[str, bytes]:
    return zip_members(path, list(GOOD), largest=largest)


def read_tar(path: Path, largest=1000, whole=1 << 16) -> dict[str, bytes]:
    return tar_members(path, list(GOOD), largest=largest, whole=whole)


def entry(name: str, **fields) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


@contextlib.contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.fixture
def nothing_written(tmp_path):
    """The folder of the archive, and the one above it, hold afterwards what they held before."""
    above = set(tmp_path.parent.iterdir())
    yield
    assert {file.name for file in tmp_path.iterdir()} <= {"set.zip", "set.tar.gz"}
    assert set(tmp_path.parent.iterdir()) == above


@pytest.mark.usefixtures("nothing_written")
class TestZip:
    def test_members(self, tmp_path):
        assert read_zip(pack_zip(tmp_path / "set.zip", ("set/", b""), ("other", b"x" * 1000))) == GOOD

    @pytest.mark.parametrize("name", OUTSIDE)
    def test_leads_outside(self, tmp_path, name):
        info = zipfile.ZipInfo()
        info.filename = name
        with pytest.raises(ValueError, match=r"set\.zip can't be used, as it holds .*, which leads out of it; fetch"):
            read_zip(pack_zip(tmp_path / "set.zip", (info, b"x")))

    @pytest.mark.parametrize(
        ("kind", "word"),
        [(stat.S_IFLNK, "a symbolic link"), (stat.S_IFCHR, "a device"), (stat.S_IFIFO, "a named pipe")],
    )
    def test_no_file(self, tmp_path, kind, word):
        info = zipfile.ZipInfo("set/c")
        info.external_attr = (kind | 0o777) << 16
        with pytest.raises(ValueError, match=rf"set\.zip can't be used, as it holds 'set/c', {word}, not a file"):
            read_zip(pack_zip(tmp_path / "set.zip", (info, b"/etc/passwd")))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("name", ["set/a", "set//a", "./set/a"])
    def test_twice(self, tmp_path, name):
        with pytest.raises(ValueError, match=r"set\.zip can't be used, as it holds '.*a', twice"):
            read_zip(pack_zip(tmp_path / "set.zip", (name, b"other")))

    def test_declares_more_than_the_set_needs(self, tmp_path):
        with pytest.raises(ValueError, match="holds 'bomb', of 1,001 bytes, where the set needs at most 1,000"):
            read_zip(pack_zip(tmp_path / "set.zip", ("bomb", bytes(1001))))

    def test_holds_more_than_it_declares(self, tmp_path):
        size = 64 << 20
        path = pack_zip(tmp_path / "set.zip", ("bomb", bytes(size)))
        path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
        with (
            little_memory(),
            pytest.raises(ValueError, match=r"set\.zip must be an intact archive, got: Bad CRC-32 for file 'bomb'"),
        ):
            zip_members(path, ["bomb"], largest=1000)

    def test_encrypted(self, tmp_path):
        path = pack_zip(tmp_path / "set.zip")
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match="holds 'set/a', which is encrypted"):
            read_zip(path)

    def test_member_is_missing(self, tmp_path):
        with pytest.raises(ValueError, match=r"set\.zip must hold set/c, got 2 other members; fetch"):
            zip_members(pack_zip(tmp_path / "set.zip"), ["set/c"], largest=1000)

    def test_missing_file_stays_an_os_error(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"set\.zip"):
            read_zip(tmp_path / "set.zip")


@pytest.mark.usefixtures("nothing_written")
class TestTar:
    def test_members(self, tmp_path):
        folder = entry("set", type=tarfile.DIRTYPE)
        assert read_tar(pack_tar(tmp_path / "set.tar.gz", folder, ("other", b"x" * 1000))) == GOOD

    @pytest.mark.parametrize("name", OUTSIDE)
    def test_leads_outside(self, tmp_path, name):
        with pytest.raises(
            ValueError, match=r"set\.tar\.gz can't be used, as it holds .*, which leads out of it; fetch"
        ):
            read_tar(pack_tar(tmp_path / "set.tar.gz", (name, b"x")))

    @pytest.mark.parametrize(
        ("kind", "word"),
        [
            (tarfile.SYMTYPE, "a symbolic link"),
            (tarfile.LNKTYPE, "a hard link"),
            (tarfile.CHRTYPE, "a device"),
            (tarfile.BLKTYPE, "a device"),
            (tarfile.FIFOTYPE, "a named pipe"),
            (tarfile.GNUTYPE_SPARSE, "a sparse file"),
            (b"V", "which is neither a file nor a folder"),
        ],
    )
    def test_no_file(self, tmp_path, kind, word):
        info = entry("set/c", type=kind, linkname="/etc/passwd")
        with pytest.raises(ValueError, match=rf"set\.tar\.gz can't be used, as it holds 'set/c', {word}"):
            read_tar(pack_tar(tmp_path / "set.tar.gz", info))

    @pytest.mark.parametrize("name", ["set/a", "set//a", "./set/a"])
    def test_twice(self, tmp_path, name):
        with pytest.raises(ValueError, match=r"set\.tar\.gz can't be used, as it holds '.*a', twice"):
            read_tar(pack_tar(tmp_path / "set.tar.gz", (name, b"other")))

    def test_declares_more_than_the_set_needs(self, tmp_path):
        with pytest.raises(ValueError, match="holds 'bomb', of 1,001 bytes, where the set needs at most 1,000"):
            read_tar(pack_tar(tmp_path / "set.tar.gz", ("bomb", bytes(1001))))

    def test_unpacks_to_more_than_the_set_needs(self, tmp_path):
        path = pack_tar(tmp_path / "set.tar.gz")
        path.write_bytes(path.read_bytes() + gzip.compress(bytes(64 << 20)))
        with (
            little_memory(),
            pytest.raises(ValueError, match=r"set\.tar\.gz must unpack to at most 65,536 bytes, which the set needs"),
        ):
            read_tar(path)

    @pytest.mark.parametrize("missing", [1, 8, 20])
    def test_cut_short(self, tmp_path, missing):
        path = pack_tar(tmp_path / "set.tar.gz")
        path.write_bytes(path.read_bytes()[:-missing])
        with pytest.raises(ValueError, match=r"set\.tar\.gz must be an intact archive, got: Compressed file ended"):
            read_tar(path)

    def test_member_cut_short_in_a_whole_gzip(self, tmp_path):
        path = pack_tar(tmp_path / "set.tar.gz")
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:1100]))
        with pytest.raises(ValueError, match=r"set\.tar\.gz must .*(intact archive|hold set/b)"):
            read_tar(path)

    # A gzip stream holds the time it was made at: as a test's name, it would differ between processes.
    @pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"no archive", mtime=0)])
    def test_no_archive(self, tmp_path, content):
        (tmp_path / "set.tar.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"set\.tar\.gz must be an intact archive"):
            read_tar(tmp_path / "set.tar.gz")


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), bits=st.integers(1, 255), cut=st.booleans())
@pytest.mark.parametrize(
    ("pack", "read", "name"), [(pack_zip, read_zip, "set.zip"), (pack_tar, read_tar, "set.tar.gz")]
)
def test_any_damage_is_a_sentence_or_harmless(tmp_path_factory, pack, read, name, at, bits, cut):
    path = tmp_path_factory.getbasetemp() / name
    content = bytearray(pack(path).read_bytes())
    at %= len(content)
    if cut:
        del content[at:]
    else:
        content[at] ^= bits
    path.write_bytes(content)
    with contextlib.suppress(DamagedError):
        assert _read_or_damaged(read, path) == GOOD


class DamagedError(Exception):
    """The archive was refused by its name."""


def _read_or_damaged(read, path: Path) -> dict[str, bytes]:
    try:
        return read(path)
    except ValueError as error:
        if path.name in str(error):
            raise DamagedError from error
        raise
