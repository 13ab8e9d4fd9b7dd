"""What is on this machine: every set that `load` would find, from where, and how large."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from jaxcnn.data import prepared
from jaxcnn.data.idx_folder import holds_any
from jaxcnn.data.load import SAMPLES, local_places
from jaxcnn.data.published import CLASS_NAMES


@dataclasses.dataclass(frozen=True)
class Place:
    """One copy of a set: the name for `load`, "IDX files", "prepared" or "sample", its folder and its origin."""

    name: str
    kind: str
    folder: Path
    origin: str

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


def places(data_dir: str | os.PathLike[str] | None = None) -> Iterator[Place]:
    """Every copy of every set, those of one name in the order in which `load` looks for them."""
    for name in sorted(CLASS_NAMES):
        yield from _copies(name, data_dir)
    for root in prepared.roots():
        for name, folder in sorted(prepared.listing(root).items()):
            if name not in CLASS_NAMES or root != prepared.roots()[0]:
                yield Place(f"tfds:{name}", "prepared", folder, prepared.origin(folder))


def _copies(name: str, data_dir: str | os.PathLike[str] | None) -> Iterator[Place]:
    named = [] if data_dir is None else [Path(os.path.expanduser(data_dir), name)]
    before = [*named, *local_places(name, debian=False)]
    behind = [folder for folder in local_places(name) if folder not in before]
    yield from (Place(name, "IDX files", folder, "local files") for folder in before if holds_any(folder))
    if folder := prepared.listing(prepared.roots()[0]).get(name):
        yield Place(name, "prepared", folder, prepared.origin(folder))
    yield from (Place(name, "IDX files", folder, "Debian") for folder in behind if holds_any(folder))
    if holds_any(SAMPLES / name):
        yield Place(name, "sample", SAMPLES / name, "jaxcnn")
