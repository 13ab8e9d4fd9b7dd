"""How the files of a named set lie in a folder, and how a split is read from them."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxtyping import Integer, UInt8
from numpy import ndarray

SPLITS = ("train", "test")


class Labelled(NamedTuple):
    """Images and labels as they were read, and the file that an error about the labels names."""

    images: UInt8[ndarray, "n h w c"]
    labels: Integer[ndarray, " n"]
    file: str


@dataclasses.dataclass(frozen=True)
class Layout:
    """One form in which sets are published.

    `files` are looked for, of which one is enough: the rest of a set must not come from somewhere else unnoticed.
    `offline` is what someone without a network must get hold of. `read` takes the folder and the split.
    """

    files: tuple[str, ...]
    offline: str
    read: Callable[[Path, str], Labelled]

    def is_in(self, folder: Path) -> bool:
        """Whether the folder holds any of the files."""
        return any(name_in(folder, file) for file in self.files)


def name_in(folder: Path, file: str) -> Path | None:
    """The file in the folder, by its name or without .gz; None where it is not there."""
    path = folder / file
    there = _listing(path.parent)
    for candidate in (path, path.with_name(path.name.removesuffix(".gz"))):
        if candidate.name in there:
            return candidate
    return None


def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
