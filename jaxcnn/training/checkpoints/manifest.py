"""What a checkpoint says about itself: every file with its SHA-256, every array, and what the run was.

The manifest is the last file that is written; a folder without one, or with one that its files don't match, is no
checkpoint. It carries a SHA-256 of itself, over the rest of its text.
"""

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

NAME = "manifest.json"
FORMAT = "jaxcnn checkpoint"
VERSION = 1
MOST_BYTES = 2**26  # a hundred thousand epochs of history are less
_SUM = "sha256"


class DamagedError(Exception):
    """A checkpoint isn't what was saved; the message says what of it."""


class File(NamedTuple):
    """What one file must be."""

    size: int
    sha256: str


class Manifest(NamedTuple):
    """One checkpoint.

    Attributes:
      step: absolute steps taken.
      arrays: a name and a short type, such as float32(3, 3), for each array of the run.
      identity: what a run that goes on must share, in words by name: the images, batch size, seed and so on.
      record: the run beside its arrays (`Record`).
      stopped: why a callback ended the run here, or None.
      monitored: what the best checkpoint is chosen by, the lower the better; None within an epoch.
      model: the model's class, for readers.
      versions: of the software, and the device.
      files: every other file of the folder by its path.
    """

    step: int
    arrays: Mapping[str, str]
    identity: Mapping[str, str]
    record: Mapping[str, Any]
    stopped: str | None
    monitored: float | None
    model: str
    versions: Mapping[str, str]
    files: Mapping[str, File]


def encode(manifest: Manifest) -> bytes:
    """The manifest's text, the same for the same manifest."""
    files = {path: file._asdict() for path, file in manifest.files.items()}
    content = {"format": FORMAT, "version": VERSION, **manifest._asdict(), "files": files}
    return _dump({**content, _SUM: hashlib.sha256(_dump(content)).hexdigest()})


def read(folder: Path) -> Manifest:
    """The manifest of a checkpoint, whose other files are not looked at.

    Raises:
      DamagedError: it is missing, isn't whole, or was edited.
      ValueError: it is of a newer format.
      OSError: it can't be read.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise DamagedError("it is no folder")
    path = folder / NAME
    if path.is_symlink() or not path.is_file():
        raise DamagedError(f"it has no {NAME}")
    if path.stat().st_size > MOST_BYTES:
        raise DamagedError(f"{NAME} has {path.stat().st_size:,} bytes, more than one ever has")
    return _decode(folder, path.read_bytes())


def verify(folder: Path, manifest: Manifest) -> None:
    """Every file is there and as it was written, and there is no other.

    Raises:
      DamagedError: names the first file that differs.
      OSError: a file can't be read.
    """
    found = dict(_walk(folder))
    found.pop(NAME, None)
    for path in sorted(found.keys() | manifest.files.keys()):
        if path not in found:
            raise DamagedError(f"the file {path} is missing")
        if path not in manifest.files:
            raise DamagedError(f"the file {path} doesn't belong to it")
        if not stat.S_ISREG(found[path]):
            raise DamagedError(f"{path} is no ordinary file")
        if describe_file(folder / path) != manifest.files[path]:
            raise DamagedError(f"the file {path} differs from what was saved")


def describe_file(path: Path) -> File:
    """Its size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(file.tell(), digest)


def file_paths(folder: Path) -> list[str]:
    """Every file below the folder, relative to it, with slashes."""
    return [path for path, _ in _walk(folder)]


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    """Every entry that is no folder, with its mode; links are not followed."""
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISDIR(mode):
            yield path.relative_to(folder).as_posix(), mode


def _decode(folder: Path, text: bytes) -> Manifest:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{NAME} is no JSON") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise DamagedError(f"{NAME} is none of a {FORMAT}")
    version = content.pop("version", None)
    if isinstance(version, int) and version > VERSION:
        raise ValueError(
            f"the checkpoint {folder} has format {version}, newer than {VERSION}, the newest that this jaxcnn reads;"
            " update jaxcnn, or move the folder away to go on from the checkpoint before it"
        )
    digest = content.pop(_SUM, None)
    body = {"format": FORMAT, "version": version, **content}
    if hashlib.sha256(_dump(body)).hexdigest() != digest or _dump({**body, _SUM: digest}) != text:
        raise DamagedError(f"{NAME} differs from what was saved")
    return _manifest(content)


def _manifest(content: dict[str, Any]) -> Manifest:
    try:
        files = {path: File(**file) for path, file in content.pop("files").items()}
        return Manifest(**content, files=files)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{NAME} lacks what version {VERSION} has") from error


def _dump(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
