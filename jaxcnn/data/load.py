"""Named data sets: where they are looked for, and what is said when they are not whole."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from jaxcnn.data import idx
from jaxcnn.data.dataset import Dataset

CLASS_NAMES = {
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "mnist": ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
}
PREFIXES = {"train": "train", "test": "t10k"}
DEBIAN_FOLDERS = {"fashion_mnist": Path("/usr/share/datasets/fashion-mnist")}
SAMPLES = Path(__file__).with_name("samples")


def available() -> tuple[str, ...]:
    """The names that `load` knows, in alphabetical order."""
    return tuple(sorted(CLASS_NAMES))


def load(name: str, *, split: str = "train", data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Loads a named set from the first place that holds it; nothing is ever downloaded.

    The places are `data_dir`, the folder in the environment variable JAXCNN_DATA_DIR, Debian's package
    dataset-fashion-mnist, and the sample that ships with jaxcnn. A place that holds a set only in part, or damaged,
    is an error and not passed over.

    Args:
        name: one of `available()`.
        split: "train" or "test".
        data_dir: a folder with the IDX files NAME/{train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without .gz;
            where both are there, .gz is read. None searches the other places.

    Returns:
        A `Dataset` of uint8 images (n, h, w, 1); its `source` is "sample" if they are the shipped ones, else "full".

    Raises:
        ValueError: an unknown name or split, a `data_dir` without the set, or a set that is not whole.
        OSError: a file that is there and cannot be opened.
    """
    _check(name, split)
    folder, source = _place(name, data_dir)
    images_path, labels_path = _files(folder, split)
    images, labels = idx.read_labelled(images_path, labels_path)
    try:
        return Dataset(images[..., None], labels, CLASS_NAMES[name], name, source)
    except ValueError as error:
        raise ValueError(f"{labels_path} does not fit {name}: {error}") from error


def _check(name: str, split: str) -> None:
    if name not in CLASS_NAMES:
        raise ValueError(f"name must be one of {', '.join(available())}, got {name!r}.")
    if split not in PREFIXES:
        raise ValueError(f"split must be one of {', '.join(PREFIXES)}, got {split!r}.")


def _place(name: str, data_dir: str | os.PathLike[str] | None) -> tuple[Path, Literal["full", "sample"]]:
    if data_dir is not None:
        return _named_place(name, data_dir), "full"
    for folder in _full_sets(name):
        if _holds_any(folder):
            return folder, "full"
    return SAMPLES / name, "sample"


def _named_place(name: str, data_dir: str | os.PathLike[str]) -> Path:
    folder = Path(os.path.expanduser(data_dir), name)
    if not _holds_any(folder):
        raise ValueError(
            f"data_dir={os.fspath(data_dir)!r} must hold {name}, looked for {', '.join(_known_files())} "
            f"(or these without .gz) in {folder}, got none of them; "
            "leave data_dir out to search JAXCNN_DATA_DIR and the shipped sample."
        )
    return folder


def _full_sets(name: str) -> Iterator[Path]:
    """The folders to look in when none is named, first the one to prefer; prepared sets belong after the first."""
    if named := os.environ.get("JAXCNN_DATA_DIR"):
        yield Path(os.path.expanduser(named), name)
    if name in DEBIAN_FOLDERS:
        yield DEBIAN_FOLDERS[name]


def _known_files() -> list[str]:
    return [f"{file}.gz" for prefix in PREFIXES.values() for file in idx.file_names(prefix)]


def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _holds_any(folder: Path) -> bool:
    # One file of the four is enough: the rest of the set must not come from somewhere else unnoticed.
    there = _listing(folder)
    return any(file in there or file.removesuffix(".gz") in there for file in _known_files())


def _files(folder: Path, split: str) -> tuple[Path, Path]:
    images, labels = idx.file_names(PREFIXES[split])
    return _file(folder, images), _file(folder, labels)


def _file(folder: Path, name: str) -> Path:
    there = _listing(folder)
    for candidate in (f"{name}.gz", name):
        if candidate in there:
            return folder / candidate
    raise ValueError(
        f"{folder} must hold the whole set, got it without {name}.gz (or {name}); add the file, or remove the others."
    )
