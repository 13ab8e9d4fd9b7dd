"""Own images: a folder a class, and every file in them an image of that class."""

import os
import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from jaxcnn.arguments import Size, as_bool
from jaxcnn.data.dataset import Dataset
from jaxcnn.data.image_files import read_images
from jaxcnn.data.images import SUFFIXES, check_form

_MOST_NAMED = 20
_LITTER = ("Thumbs.db", "desktop.ini")  # what file managers leave in folders of images


class Listing(NamedTuple):
    """The files of a folder, none of them read yet, in the order of their names; and their classes.

    Attributes:
        paths: one a file.
        labels: (n,), an index into `class_names` each.
        class_names: the names of the class folders, sorted by code point.
    """

    paths: tuple[Path, ...]
    labels: Int32[np.ndarray, " n"]
    class_names: tuple[str, ...]


class FolderImages(NamedTuple):
    """What was read of a folder.

    Attributes:
        dataset: its images.
        paths: their files, one an image.
        broken: the files that `skip_broken` left out.
    """

    dataset: Dataset
    paths: tuple[Path, ...]
    broken: tuple[Path, ...]


def read_folder(
    path: str | os.PathLike[str],
    *,
    image_size: Size | None = None,
    channels: int | None = None,
    resize: str = "stretch",
    split: str = "train",
    skip_broken: bool = False,
) -> Dataset:
    """Reads a folder that holds a folder a class, each with the PNG and JPEG files of that class.

    Args:
        path: the folder, listed as `list_folder` does.
        image_size: height and width in pixels of all images, an int for both; None where all files have one size.
        channels: 1 for grey, 3 for RGB; None where all files are the one or all are the other.
        resize: how a file of another size reaches `image_size`: "stretch", "pad" or "crop", as `read_image` does it.
        split: "train", or another of the folders beside it.
        skip_broken: leave out files that hold no image, or a damaged one, and say so in a warning.

    Returns:
        A `Dataset` named after the folder, of uint8 images (n, h, w, channels) in the order of `list_folder`.

    Raises:
        ValueError: what `list_folder` and `read_image` refuse, and files of several sizes, or of grey and RGB, where
            nothing says which the images shall have; more images than memory has room for, which `stream` is for;
            a class of which `skip_broken` leaves nothing.
        OSError: a file that cannot be opened.
    """
    found = read_files(
        path, image_size=image_size, channels=channels, resize=resize, split=split, skip_broken=skip_broken
    )
    if found.broken:
        warnings.warn(left_out(found.broken), stacklevel=2)
    return found.dataset


def read_files(
    path: str | os.PathLike[str],
    *,
    image_size: Size | None = None,
    channels: int | None = None,
    resize: str = "stretch",
    split: str = "train",
    skip_broken: bool = False,
) -> FolderImages:
    """As `read_folder`, which files they are, and silent about those that were left out."""
    size = check_form("image_size", image_size, channels, resize)
    listing = list_folder(path, split=split)
    images, broken = read_images(
        listing.paths, size=size, channels=channels, resize=resize, skip_broken=as_bool("skip_broken", skip_broken)
    )
    whole = without(listing, broken)
    name = os.path.basename(os.path.abspath(os.path.expanduser(path)))
    dataset = Dataset(images, whole.labels, whole.class_names, name, "full")
    return FolderImages(dataset, whole.paths, tuple(listing.paths[at] for at in broken))


def without(listing: Listing, broken: Sequence[int]) -> Listing:
    """The listing without some of its files.

    Raises:
        ValueError: a class that would lose all of them.
    """
    labels = np.delete(listing.labels, broken)
    if lost := sorted(set(listing.labels.tolist()) - set(labels.tolist())):
        folder = listing.paths[int(np.flatnonzero(listing.labels == lost[0])[0])].parent
        raise ValueError(f"{folder} must hold a whole image of its class, got broken files alone; replace one of them.")
    gone = set(broken)
    return Listing(tuple(p for at, p in enumerate(listing.paths) if at not in gone), labels, listing.class_names)


def left_out(broken: Sequence[Path]) -> str:
    """The sentence that says which files were left out."""
    named = ", ".join(map(str, broken[:_MOST_NAMED])) + ", …" * (len(broken) > _MOST_NAMED)
    return f"left out {len(broken):,} broken file{'s' * (len(broken) > 1)}: {named}"


def list_folder(path: str | os.PathLike[str], *, split: str = "train") -> Listing:
    """Finds the images of a folder and their classes, without opening a file.

    Every folder in it is a class. Where it holds a folder `train` with folders in it, that one and those beside it are
    splits instead; all share the classes of `train`. Links are followed. Ignored are names that begin with a dot, and
    Thumbs.db and desktop.ini, as systems make them unasked; and, beside the class folders, files that are no images,
    such as a licence. All else that is no image would be lost, and is an error.

    Args:
        path: the folder; `~` is the user's own.
        split: "train" (everything, where there are no splits) or the name of another folder beside it.

    Raises:
        ValueError: no folder, or fewer than two classes in it; a class without images; folders in a class, files that
            are no PNG or JPEG by their names, images beside the classes; a split that is not there, or one with
            classes that `train` lacks; class names with control characters or undecodable bytes.
        OSError: a folder that cannot be listed.
    """
    root = Path(os.path.expanduser(path))
    if not root.is_dir():
        raise ValueError(f"{root} must be a folder with a folder a class, got {'a file' if root.exists() else 'none'}.")
    home, first = _homes(root, split)
    class_names = _class_names(first)
    found = _class_names(home) if home != first else class_names
    if unknown := sorted(set(found) - set(class_names)):
        raise ValueError(
            f"{home / unknown[0]} must be a class that {first} holds too; add it there, or remove it here."
        )
    files = {name: _image_files(home / name) for name in found}
    labels = np.repeat([class_names.index(name) for name in found], [len(part) for part in files.values()])
    return Listing(tuple(file for part in files.values() for file in part), labels.astype(np.int32), class_names)


def folder_splits(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of the splits that a folder holds, as `list_folder` tells them; none where it holds the classes."""
    root = Path(os.path.expanduser(path))
    return tuple(_folders(root)) if any(_folders(root / "train")) else ()


def _homes(root: Path, split: str) -> tuple[Path, Path]:
    """The folder of the split's classes, and that of the training set's."""
    splits = folder_splits(root) or ("train",)
    if split not in splits:
        raise ValueError(
            f"split must be one of {', '.join(map(repr, splits))} for {root}, got {split!r}; "
            "add the folder, or split the training set by Dataset.split."
        )
    if not folder_splits(root):
        return root, root
    _refuse_beside(root, splits)
    return root / split, root / "train"


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        kept = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _LITTER]
    return sorted(kept, key=lambda entry: entry.name)


def _folders(folder: Path) -> list[str]:
    return [entry.name for entry in _visible(folder) if os.path.isdir(entry)] if folder.is_dir() else []


def _class_names(folder: Path) -> tuple[str, ...]:
    names = _folders(folder)
    if len(names) < 2:
        got = f"{names[0]!r} alone" if names else "none"
        raise ValueError(f"{folder} must hold two or more folders, one a class, got {got}; put each class in its own.")
    for name in names:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise ValueError(f"{str(folder / name)!r} must be a name without control characters, in UTF-8; rename it.")
    _refuse_beside(folder, names)
    return tuple(names)


def _refuse_beside(folder: Path, names: Sequence[str]) -> None:
    """Images beside these folders would be lost, and so would be those behind a broken link."""
    for entry in _visible(folder):
        if not os.path.exists(entry):
            raise ValueError(f"{entry.path} must be a folder of images, got a link that leads nowhere; remove it.")
        if entry.name.lower().endswith(SUFFIXES) and entry.name not in names:
            raise ValueError(f"{entry.path} must lie in the folder of its class, got it beside them; move it there.")


def _image_files(folder: Path) -> list[Path]:
    entries = _visible(folder)
    for entry in entries:
        plain = entry.is_file(follow_symlinks=False)  # the listing tells; where a link leads, the system is asked
        if not plain and os.path.isdir(entry):
            raise ValueError(f"{entry.path} must be an image, got a folder; move its images up into {folder}.")
        if not plain and not os.path.isfile(entry):
            raise ValueError(f"{entry.path} must be an image, got a link that leads nowhere, or no file; remove it.")
        if not entry.name.lower().endswith(SUFFIXES):
            known = ", ".join(SUFFIXES)
            raise ValueError(f"{entry.path} must be an image whose name ends in {known}; convert it, or remove it.")
    if not entries:
        raise ValueError(f"{folder} must hold images of its class, got none; add some, or remove the folder.")
    return [folder / entry.name for entry in entries]
