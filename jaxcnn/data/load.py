"""Named data sets: where they are looked for, and in which order."""

import os
from collections.abc import Iterator
from pathlib import Path

from jaxcnn.data import prepared
from jaxcnn.data.dataset import Dataset
from jaxcnn.data.layout import SPLITS
from jaxcnn.data.local_files import LAYOUTS, holds_any, read_split
from jaxcnn.data.published import CLASS_NAMES, PUBLISHED, family

DEBIAN_FOLDERS = {"fashion_mnist": Path("/usr/share/datasets/fashion-mnist")}
SAMPLES = Path(__file__).with_name("samples")


def available() -> tuple[str, ...]:
    """The names that `load` finds on this machine: sets by name, in alphabetical order, then prepared `tfds:` ones."""
    named = [name for name in sorted(CLASS_NAMES) if holds_any(SAMPLES / name, name) or _full_set(name)]
    found = {name for root in prepared.roots() for name in prepared.listing(root)}
    return (*named, *(f"tfds:{name}" for name in sorted(found - set(named))))


def load(name: str, *, split: str = "train", data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Loads a set from the first place that holds it; nothing is ever downloaded.

    The places of a named set are `data_dir`, the folder in the environment variable JAXCNN_DATA_DIR, the sets that
    `python -m experiments.prepare` has prepared in the user's cache, Debian's package dataset-fashion-mnist, and the
    sample that ships with jaxcnn. A place that holds a set only in part, or damaged, is an error and not passed over.

    Args:
        name: mnist, fashion_mnist, kmnist, cifar10, or emnist/ with byclass, bymerge, balanced, letters, digits or
            mnist; `tfds:NAME` or `tfds:NAME/CONFIG` for a set of labelled images that TFDS has prepared as
            array_record; `folder:PATH` for a folder of images, with a folder a class.
        split: "train" or "test", or another that a `tfds:` set or a folder has.
        data_dir: a folder with the IDX files NAME/{train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without .gz;
            where both are there, .gz is read; with emnist/gzip.zip or cifar10/cifar-10-binary.tar.gz, or what these
            unpack to. For `tfds:NAME`, a folder with NAME/VERSION. None searches the other places.

    Returns:
        A `Dataset` of uint8 images (n, h, w, c); its `source` says whether it is the full set or the sample.

    Raises:
        ValueError: an unknown name or split, a `data_dir` without the set, or a set that is not whole.
        OSError: a file that is there and cannot be opened.
    """
    kind, _, rest = name.partition(":")
    if kind == "folder" and rest:
        return _load_folder(rest, split, data_dir)
    if kind == "tfds" and rest:
        return prepared.read(prepared.find(rest, data_dir), split, name)
    _check(name, split)
    if folder := local_folder(name, data_dir, debian=False):
        return read_split(folder, name, split, "full")
    if folder := prepared_folder(name):
        return prepared.read(folder, split, name)
    return _load_packaged(name, split)


def local_folder(name: str, data_dir: str | os.PathLike[str] | None = None, *, debian: bool = True) -> Path | None:
    """The folder with files of the set: under `data_dir`, else JAXCNN_DATA_DIR, else Debian's; None without any.

    Raises:
        ValueError: a `data_dir` without the set.
    """
    if data_dir is not None:
        return _named_place(name, data_dir)
    return next((place for place in local_places(name, debian=debian) if holds_any(place, name)), None)


def _load_folder(path: str, split: str, data_dir: str | os.PathLike[str] | None) -> Dataset:
    from jaxcnn.data.folder import read_folder  # here, since Pillow is not needed by the other kinds

    return read_folder(path if data_dir is None else Path(os.path.expanduser(data_dir), path), split=split)


def _load_packaged(name: str, split: str) -> Dataset:
    if folder := local_folder(name):
        return read_split(folder, name, split, "full")
    if holds_any(SAMPLES / name, name):
        return read_split(SAMPLES / name, name, split, "sample")
    raise ValueError(
        f"{name} has no sample, and must be prepared first by python -m experiments.prepare {name}, "
        "or lie in a folder that data_dir names."
    )


def _check(name: str, split: str) -> None:
    if name not in CLASS_NAMES:
        raise ValueError(
            f"name must be one of {', '.join(sorted(CLASS_NAMES))}, tfds:NAME or folder:PATH, got {name!r}."
        )
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}.")


def _full_set(name: str) -> Path | None:
    return local_folder(name) or prepared_folder(name)


def prepared_folder(name: str) -> Path | None:
    """Where `jaxcnn.data.prepare` has put the named set; None where it has not."""
    folder = prepared.roots()[0] / name / PUBLISHED[name].version
    return folder if prepared.is_whole(folder) else None


def _named_place(name: str, data_dir: str | os.PathLike[str]) -> Path:
    folder = Path(os.path.expanduser(data_dir), family(name))
    if not holds_any(folder, name):
        raise ValueError(
            f"data_dir={os.fspath(data_dir)!r} must hold {name}, looked for {', '.join(LAYOUTS[name].files)} "
            f"(or these without .gz) in {folder}, got none of them; "
            "leave data_dir out to search JAXCNN_DATA_DIR, prepared sets and the shipped sample."
        )
    return folder


def local_places(name: str, *, debian: bool = True) -> Iterator[Path]:
    """The folders where files of the set may lie when none is named, first the one to prefer."""
    if named := os.environ.get("JAXCNN_DATA_DIR"):
        yield Path(os.path.expanduser(named), family(name))
    if debian and name in DEBIAN_FOLDERS:
        yield DEBIAN_FOLDERS[name]
