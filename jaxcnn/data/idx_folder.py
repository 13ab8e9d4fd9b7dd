"""A set as a folder of four IDX files, and what is said when it is not whole."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from jaxcnn.data import idx
from jaxcnn.data.layout import Labelled, Layout, name_in

PREFIXES = {"train": "train", "test": "t10k"}


def known_files(prefixes: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the four files, each with .gz; `prefixes` has that of each split."""
    return tuple(f"{file}.gz" for prefix in prefixes.values() for file in idx.file_names(prefix))


def read_pair(folder: Path, prefix: str) -> tuple[UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, " n"], str]:
    """Reads the images and the labels of one split, and says which file the labels are from.

    Raises:
        ValueError: files that are missing, damaged or don't fit together.
        OSError: a file that is there and cannot be opened.
    """
    images_path, labels_path = (_file(folder, file) for file in idx.file_names(prefix))
    return *idx.read_labelled(images_path, labels_path), str(labels_path)


def _file(folder: Path, name: str) -> Path:
    if path := name_in(folder, f"{name}.gz"):
        return path
    raise ValueError(
        f"{folder} must hold the whole set, got it without {name}.gz (or {name}); add the file, or remove the others."
    )


def _read(prefixes: Mapping[str, str], folder: Path, split: str) -> Labelled:
    images, labels, file = read_pair(folder, prefixes[split])
    return Labelled(images[..., None], labels, file)


LAYOUT = Layout(
    known_files(PREFIXES), offline="train-*-ubyte.gz and t10k-*-ubyte.gz", read=functools.partial(_read, PREFIXES)
)
