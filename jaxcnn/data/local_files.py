"""A named set as files on this machine, in the form in which it is published."""

from pathlib import Path

from jaxcnn.data import cifar, emnist, idx_folder
from jaxcnn.data.dataset import Dataset
from jaxcnn.data.layout import SPLITS, Layout
from jaxcnn.data.published import CLASS_NAMES, family

LAYOUTS: dict[str, Layout] = {
    "cifar10": cifar.LAYOUT,
    "fashion_mnist": idx_folder.LAYOUT,
    "kmnist": idx_folder.LAYOUT,
    "mnist": idx_folder.LAYOUT,
    **{name: emnist.layout(name.removeprefix("emnist/")) for name in CLASS_NAMES if family(name) == "emnist"},
}


def holds_any(folder: Path, name: str) -> bool:
    """Whether the folder holds a file of the named set."""
    return LAYOUTS[name].is_in(folder)


def read_split(folder: Path, name: str, split: str, source: str) -> Dataset:
    """Reads one split of the named set from its folder.

    Raises:
        ValueError: an unknown split, files that are missing, damaged or don't fit together, labels out of range.
        OSError: a file that is there and cannot be opened.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")
    images, labels, file = LAYOUTS[name].read(folder, split)
    try:
        return Dataset(images, labels, CLASS_NAMES[name], name, source)
    except ValueError as error:
        raise ValueError(f"{file} does not fit {name}: {error}") from error
