"""What is on this machine: every set that `load` would find, from where, and how large."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from jaxcnn.data import prepared
from jaxcnn.data.load import SAMPLES, local_places, prepared_folder
from jaxcnn.data.local_files import holds_any
from jaxcnn.data.prepare import downloads
from jaxcnn.data.published import CLASS_NAMES, family


@dataclasses.dataclass(frozen=True)
class Place:
    """One copy of a set: the name for `load`, "files", "prepared" or "sample", its folder and its origin.

    A download that broke off, or is kept for other sets, is told too, as "download".
    """

    name: str
    kind: str
    folder: Path
    origin: str

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(_size(file) for file in self.folder.rglob("*"))


def places(data_dir: str | os.PathLike[str] | None = None) -> Iterator[Place]:
    """Every copy of every set, those of one name in the order in which `load` looks for them."""
    for name in sorted(CLASS_NAMES):
        yield from _copies(name, data_dir)
    for root in prepared.roots():
        for name, folder in sorted(prepared.listing(root).items()):
            if name not in CLASS_NAMES or folder != prepared_folder(name):
                yield Place(f"tfds:{name}", "prepared", folder, prepared.origin(folder))
    for kept in downloads():
        yield Place(kept.name, "download", kept, "the network")


def missing(data_dir: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """The named sets of which there is not one copy."""
    there = {place.name for place in places(data_dir)}
    return tuple(name for name in sorted(CLASS_NAMES) if name not in there)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size if file.is_file() else 0
    except OSError:  # gone meanwhile, or not ours to see
        return 0


def _copies(name: str, data_dir: str | os.PathLike[str] | None) -> Iterator[Place]:
    named = [] if data_dir is None else [Path(os.path.expanduser(data_dir), family(name))]
    before = list(dict.fromkeys([*named, *local_places(name, debian=False)]))
    behind = [folder for folder in local_places(name) if folder not in before]
    for folder in before:
        if holds_any(folder, name):
            yield Place(name, "files", folder, "--data-dir" if folder in named else "JAXCNN_DATA_DIR")
    if folder := prepared_folder(name):
        yield Place(name, "prepared", folder, prepared.origin(folder))
    yield from (Place(name, "files", folder, "Debian") for folder in behind if holds_any(folder, name))
    if holds_any(SAMPLES / name, name):
        yield Place(name, "sample", SAMPLES / name, "jaxcnn")
