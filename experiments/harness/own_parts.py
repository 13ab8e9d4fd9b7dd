"""A folder of own images in two parts: those to train on, in memory or read as training goes, and those held back."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.harness.own_options import Config
from experiments.harness.streamed import refuse_without_room
from jaxcnn.data import Dataset
from jaxcnn.data.dataset import sampled
from jaxcnn.data.folder import FolderImages, Listing, folder_splits, left_out, list_folder, read_files, without
from jaxcnn.data.folder_source import FolderSource
from jaxcnn.data.image_files import broken_images, read_images
from jaxcnn.data.images import check_form


class Parts(NamedTuple):
    """The images to train on, those held back and the files of these, and what was left out, as the folder names it."""

    train: Dataset | FolderSource
    held_back: Dataset
    files: tuple[Path, ...]
    broken: tuple[Path, ...]


def read_parts(config: Config) -> Parts:
    """The folder's images in two parts; with `config.stream` those to train on are listed and not read yet.

    Raises:
      ValueError, OSError: as `read_folder`; images that leave no room to train on them.
    """
    test = config.validation is None and "test" in folder_splits(config.root)
    if config.stream:
        return _streamed_with_test(config) if test else _streamed_in_two(config)
    return _read_with_test(config) if test else _read_in_two(config)


def describe(parts: Parts) -> str:
    """Which images a result rests on."""
    train, held_back = parts.train, parts.held_back
    size = "×".join(map(str, held_back.images.shape[1:3]))
    told = (
        f"{held_back.name}: {len(train):,} training and {len(held_back):,} held-back images of {size} pixels, "
        f"{'grey' if held_back.images.shape[3] == 1 else 'RGB'}, {len(held_back.class_names)} classes."
    )
    untaught = [f"{held_back.class_names[i]!r}" for i in np.setdiff1d(held_back.labels, train.labels)]
    notes = [f"L{left_out(parts.broken)[1:]}."] if parts.broken else []
    if untaught:
        notes.append(f"Every image of {', '.join(untaught)} is held back, so no step trains on that class.")
    return " ".join([told, *notes])


def _read_with_test(config: Config) -> Parts:
    train, test = _read(config, "train"), _read(config, "test")
    refuse_without_room(train.dataset)
    return Parts(train.dataset, test.dataset, _inside(config, test.paths), _inside(config, train.broken + test.broken))


def _read_in_two(config: Config) -> Parts:
    found = _read(config, "train")
    refuse_without_room(found.dataset)
    held_back = _held_back(config, found.dataset.labels)
    files = _inside(config, [found.paths[i] for i in np.flatnonzero(held_back)])
    return Parts(*found.dataset.split(config.share, seed=config.split_seed), files, _inside(config, found.broken))


def _read(config: Config, split: str) -> FolderImages:
    return read_files(
        config.root,
        image_size=config.image_size,
        channels=config.channels,
        resize=config.resize,
        split=split,
        skip_broken=config.skip_broken,
    )


def _streamed_with_test(config: Config) -> Parts:
    train, train_broken = _listed(config, "train")
    test, test_broken = _listed(config, "test")
    held_back = _images_of(config, test)
    return Parts(
        _source(config, train), held_back, _inside(config, test.paths), _inside(config, train_broken + test_broken)
    )


def _streamed_in_two(config: Config) -> Parts:
    whole, broken = _listed(config, "train")
    held_back = _held_back(config, whole.labels)
    train, rest = _part(whole, ~held_back), _part(whole, held_back)
    return Parts(_source(config, train), _images_of(config, rest), _inside(config, rest.paths), _inside(config, broken))


def _held_back(config: Config, labels: np.ndarray) -> np.ndarray:
    """Which images `Dataset.split` holds back."""
    try:
        return sampled(labels, config.share, seed=config.split_seed)
    except ValueError as error:
        raise ValueError(f"--validation: {error}") from error


def _listed(config: Config, split: str) -> tuple[Listing, tuple[Path, ...]]:
    """The files of a split, and those that `skip_broken` leaves out."""
    listing = list_folder(config.root, split=split)
    broken = broken_images(listing.paths) if config.skip_broken else ()
    return without(listing, broken), tuple(listing.paths[at] for at in broken)


def _part(listing: Listing, chosen: np.ndarray) -> Listing:
    paths = tuple(listing.paths[at] for at in np.flatnonzero(chosen))
    return Listing(paths, listing.labels[chosen], listing.class_names)


def _source(config: Config, listing: Listing) -> FolderSource:
    size = check_form("image_size", config.image_size, config.channels, config.resize)
    root = config.root.expanduser()
    return FolderSource(root, *listing, size, config.channels, config.resize)


def _images_of(config: Config, listing: Listing) -> Dataset:
    images, _ = read_images(listing.paths, size=config.image_size, channels=config.channels, resize=config.resize)
    return Dataset(images, listing.labels, listing.class_names, config.root.expanduser().resolve().name, "full")


def _inside(config: Config, paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(path.relative_to(config.root.expanduser()) for path in paths)
