"""Members of zip and tar archives, read by name into memory: nothing is ever unpacked to a disk.

Whatever an archive holds beside the members that are asked for, one that looks made to do harm is refused as a whole.
"""

import contextlib
import gzip
import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from jaxcnn.arguments import shown
from jaxcnn.data.readable import readable

Member = TypeVar("Member")

_PIECE = 1 << 20
_ENCRYPTED = 0x1
_OUTSIDE = re.compile(r"/|[A-Za-z]:|.*\\|(.*/)?\.\.(/|$)", re.DOTALL)
_ZIP_KINDS = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a named pipe"}
_TAR_KINDS: tuple[tuple[Callable[[tarfile.TarInfo], bool], str], ...] = (
    (tarfile.TarInfo.issym, "a symbolic link"),
    (tarfile.TarInfo.islnk, "a hard link"),
    (tarfile.TarInfo.isfifo, "a named pipe"),
    (tarfile.TarInfo.isdev, "a device"),
    (tarfile.TarInfo.issparse, "a sparse file"),
)


class _RefusedError(ValueError):
    """Our own sentence, which is not taken for a sign of damage."""


def zip_members(path: Path, wanted: Collection[str], *, largest: int) -> dict[str, bytes]:
    """Reads the wanted members of a zip archive.

    Args:
        path: the archive.
        wanted: names as the archive has them.
        largest: the most bytes that any member may declare; it can't hold more.

    Raises:
        ValueError: a member that is absolute, leads outside, is there twice, is no plain file or folder, is encrypted
            or too large; a wanted member that is missing; an archive that is damaged.
        OSError: a file that can't be opened.
    """
    with readable(path), open(path, "rb") as file, _intact(path), zipfile.ZipFile(file) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            members[_new_name(path, info.filename, members)] = info
            _check_zip(path, info, largest)
        return {name: _unzipped(archive, _present(path, name, members)) for name in wanted}


def tar_members(path: Path, wanted: Collection[str], *, largest: int, whole: int) -> dict[str, bytes]:
    """Reads the wanted members of a tar archive, in one pass and to its very end, where a tar.gz has its checksum.

    Args:
        path: the archive, read as gzip when its name ends in .gz.
        wanted: names as the archive has them.
        largest: the most bytes that any member may declare.
        whole: the most bytes that the archive may unpack to.

    Raises:
        ValueError, OSError: as `zip_members`.
    """
    members: dict[str, bytes] = {}
    with readable(path), open(path, "rb") as file, _intact(path), _unpacked(file, path) as unpacked:
        stream = _Limited(unpacked, path, whole)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                name = _new_name(path, info.name, members)
                _check_tar(path, info, largest)
                content = archive.extractfile(info) if name in wanted else None
                members[name] = content.read() if content else b""
        while stream.read(_PIECE):
            pass
    return {name: _present(path, name, members) for name in wanted}


def _unpacked(file: io.BufferedIOBase, path: Path) -> contextlib.AbstractContextManager[io.BufferedIOBase]:
    return gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else contextlib.nullcontext(file)


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than `most` bytes."""

    def __init__(self, stream: io.BufferedIOBase, path: Path, most: int):
        self._stream, self._path, self._most, self._given = stream, path, most, 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._stream.read(size)
        self._given += len(piece)
        if self._given > self._most:
            raise _RefusedError(
                f"{self._path} must unpack to at most {self._most:,} bytes, which the set needs, got more; "
                "fetch it from where the set is published."
            )
        return piece


@contextlib.contextmanager
def _intact(path: Path) -> Iterator[None]:
    try:
        yield
    except (_RefusedError, MemoryError):
        raise
    except Exception as error:  # the readers raise whatever damage leads them to
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(f"{path} must be an intact archive, got: {reason}; fetch the file again.") from error


def _new_name(path: Path, name: str, known: Collection[str]) -> str:
    if _OUTSIDE.match(name):
        raise _refused(path, name, "which leads out of it")
    plain = str(PurePosixPath(name))
    if plain in known:
        raise _refused(path, name, "twice")
    return plain


def _check_zip(path: Path, info: zipfile.ZipInfo, largest: int) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, info.filename, _ZIP_KINDS.get(kind, "a device") + ", not a file")
    if info.flag_bits & _ENCRYPTED:
        raise _refused(path, info.filename, "which is encrypted")
    _check_size(path, info.filename, info.file_size, largest)


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # With its size: without, everything that is packed is unpacked before the declared size cuts it off.
    with archive.open(info) as stream:
        return stream.read(info.file_size)


def _check_tar(path: Path, info: tarfile.TarInfo, largest: int) -> None:
    for is_kind, kind in _TAR_KINDS:
        if is_kind(info):
            raise _refused(path, info.name, f"{kind}, not a file")
    if not (info.isfile() or info.isdir()):
        raise _refused(path, info.name, "which is neither a file nor a folder")
    _check_size(path, info.name, info.size, largest)


def _check_size(path: Path, name: str, size: int, largest: int) -> None:
    if not 0 <= size <= largest:
        raise _refused(path, name, f"of {size:,} bytes, where the set needs at most {largest:,}")


def _refused(path: Path, name: str, what: str) -> _RefusedError:
    return _RefusedError(f"{path} can't be used, as it holds {shown(name)}, {what}; fetch it where it is published.")


def _present(path: Path, name: str, members: Mapping[str, Member]) -> Member:
    if name not in members:
        others = f"{len(members):,} other member{'s' * (len(members) != 1)}"
        raise _RefusedError(f"{path} must hold {name}, got {others}; fetch it where it is published.")
    return members[name]
