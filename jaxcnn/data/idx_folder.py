"""A named set as a folder of four IDX files, and what is said when it is not whole."""

import os
from pathlib import Path

from jaxcnn.data import idx
from jaxcnn.data.dataset import Dataset
from jaxcnn.data.published import CLASS_NAMES

PREFIXES = {"train": "train", "test": "t10k"}


def known_files() -> list[str]:
    """The names of the four files, each with .gz."""
    return [f"{file}.gz" for prefix in PREFIXES.values() for file in idx.file_names(prefix)]


def holds_any(folder: Path) -> bool:
    """One file of the four is enough: the rest of the set must not come from somewhere else unnoticed."""
    there = _listing(folder)
    return any(file in there or file.removesuffix(".gz") in there for file in known_files())


def read_split(folder: Path, name: str, split: str, source: str) -> Dataset:
    """Reads one split of the named set from its folder.

    Raises:
        ValueError: an unknown split, files that are missing, damaged or don't fit together, labels out of range.
        OSError: a file that is there and cannot be opened.
    """
    if split not in PREFIXES:
        raise ValueError(f"split must be one of {', '.join(PREFIXES)}, got {split!r}.")
    images_path, labels_path = (_file(folder, file) for file in idx.file_names(PREFIXES[split]))
    images, labels = idx.read_labelled(images_path, labels_path)
    try:
        return Dataset(images[..., None], labels, CLASS_NAMES[name], name, source)
    except ValueError as error:
        raise ValueError(f"{labels_path} does not fit {name}: {error}") from error


def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _file(folder: Path, name: str) -> Path:
    there = _listing(folder)
    for candidate in (f"{name}.gz", name):
        if candidate in there:
            return folder / candidate
    raise ValueError(
        f"{folder} must hold the whole set, got it without {name}.gz (or {name}); add the file, or remove the others."
    )
