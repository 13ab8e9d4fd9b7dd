"""Sets that TFDS, or `jaxcnn.data.prepare`, has prepared: found, listed and read without TensorFlow."""

import contextlib
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxcnn.data.cache import user_cache
from jaxcnn.data.dataset import Dataset

_NAME = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_TOGETHER = 4096
_FEATURES = "tensorflow_datasets.core.features."


def own_folder() -> Path:
    """Where this user's prepared sets lie, as NAME/VERSION; it may not exist yet."""
    return user_cache("datasets")


def roots(data_dir: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """The folders to look in: `data_dir` alone, or jaxcnn's own and then TFDS's (TFDS_DATA_DIR or its default)."""
    if data_dir is not None:
        return (Path(os.path.expanduser(data_dir)),)
    theirs = Path(os.path.expanduser(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"))
    try:
        return own_folder(), theirs
    except RuntimeError:  # a user without a home has no sets in it
        return (theirs,)


def is_whole(folder: Path) -> bool:
    """TFDS writes both files last, and moves the folder to its place after them."""
    return (folder / "features.json").is_file() and (folder / "dataset_info.json").is_file()


def listing(root: Path) -> dict[str, Path]:
    """NAME or NAME/CONFIG -> the folder of its newest version, for every prepared set under `root`."""
    found = [p.parent for pattern in ("*/*", "*/*/*") for p in root.glob(f"{pattern}/features.json")]
    whole = [f for f in found if _VERSION.fullmatch(f.name) and is_whole(f) and not _hidden(f.relative_to(root))]
    by_age = sorted(whole, key=lambda folder: [int(number) for number in folder.name.split(".")])
    return {folder.parent.relative_to(root).as_posix(): folder for folder in by_age}


def find(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the newest version of `name`, in the first of `roots` that has it.

    Raises:
        ValueError: a name that is none, or a set that is nowhere prepared.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ValueError(f"tfds:NAME must be a set's name or NAME/CONFIG, got {name!r}.")
    places = roots(data_dir)
    there = {known: folder for root in reversed(places) for known, folder in listing(root).items()}
    if name not in there:
        raise ValueError(
            f"tfds:{name} must be prepared first, got in {' and '.join(map(str, places))} only "
            f"{', '.join(sorted(there)) or 'no set'}; prepare it by python -m experiments.prepare or by TFDS "
            "(file_format='array_record'), or name the folder that holds it by data_dir."
        )
    return there[name]


def origin(folder: Path) -> str:
    """What `jaxcnn.data.prepare` noted about where the images came from; "TFDS" for what others prepared."""
    try:
        return str(json.loads((folder / "metadata.json").read_text("utf-8"))["origin"])
    except (OSError, ValueError, KeyError, TypeError):
        return "TFDS"


def read(folder: Path, split: str, name: str) -> Dataset:
    """Reads one split of a prepared set of labelled images.

    Args:
        folder: of one version, as `find` gives it.
        split: one that the set has.
        name: the name of the `Dataset`.

    Returns:
        uint8 images (n, h, w, 1 or 3) in the order in which they were prepared.

    Raises:
        ValueError: another split, features other than one image of 1 or 3 channels and one class label, another
            file format than array_record, images of several sizes, labels out of range, or damaged files.
    """
    with quiet():
        builder = opened(folder)
        if split not in builder.info.splits:
            raise ValueError(f"split must be one of {', '.join(builder.info.splits)} for {name}, got {split!r}.")
        image, label = keys(builder, folder)
        images, labels = _examples(builder, folder, split, image, label)
    try:
        return Dataset(_stacked(images, name), labels, builder.info.features[label].names, name, "full")
    except ValueError as error:
        raise ValueError(f"{folder} can't be read as a set of labelled images: {error}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps what TFDS prints, its bars and its advice to install OpenCV, off the terminal."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def opened(folder: Path) -> Any:
    """TFDS's builder of a prepared folder, which must be of array_record files and of TFDS's own features.

    Raises:
        ValueError: another format, another's features, or a damaged description.
    """
    import tensorflow_datasets as tfds  # here, so that `import jaxcnn` stays instant

    with damage_told(folder):
        described = json.loads((folder / "features.json").read_text("utf-8"))
    _check_classes(described, folder)
    with damage_told(folder):
        builder: Any = tfds.builder_from_directory(folder)
        file_format = builder.info.file_format.value
    if file_format != "array_record":
        raise ValueError(
            f"{folder} must hold array_record files, got {file_format}, which need TensorFlow; "
            "prepare it again by TFDS with file_format='array_record'."
        )
    return builder


def _check_classes(described: object, folder: Path) -> None:
    # TFDS imports whatever module the file names: only its own may be.
    if isinstance(described, dict):
        named = described.get("pythonClassName", _FEATURES)
        if not str(named).startswith(_FEATURES):
            raise ValueError(f"{folder / 'features.json'} must name features of TFDS only, got {named!r}.")
        for part in described.values():
            _check_classes(part, folder)


def keys(builder: Any, folder: Path) -> tuple[str, str]:
    """The names of the image and of the label among the features.

    Raises:
        ValueError: not one image of 1 or 3 channels and one class label.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    labels = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if supervised := builder.info.supervised_keys:
        images, labels = ([key for key in keys if key in supervised] for keys in (images, labels))
    if len(images) != 1 or len(labels) != 1:
        raise ValueError(
            f"{folder} must hold one image with one class label an example, "
            f"got the features {', '.join(sorted(features))}."
        )
    image = features[images[0]]
    if image.np_dtype != np.uint8 or image.shape[-1] not in (1, 3):
        raise ValueError(f"{folder} must hold uint8 images of 1 or 3 channels, got {image.np_dtype} of {image.shape}.")
    return images[0], labels[0]


def _examples(builder: Any, folder: Path, split: str, image: str, label: str) -> tuple[list[np.ndarray], list[int]]:
    from jaxcnn.data.examples import read_examples  # here, since Pillow is not needed by the sets that ship

    images, labels = [], []
    with damage_told(folder):
        records = builder.as_data_source(split=split).data_source
        for start in range(0, len(records), _TOGETHER):
            rows = range(start, min(start + _TOGETHER, len(records)))
            some_images, some_labels = read_examples(records, rows, image, label)
            images.extend(some_images)
            labels += some_labels
    if len(images) != (count := builder.info.splits[split].num_examples):
        raise _damaged(folder, f"{len(images)} of {count} images of {split}")
    return images, labels


@contextlib.contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Whatever goes wrong inside becomes a ValueError that names the folder."""
    try:
        yield
    except Exception as error:  # protobuf, array_record and the decoders each raise their own
        raise _damaged(folder, str(error) or type(error).__name__) from error


def _damaged(folder: Path, got: str) -> ValueError:
    got = " ".join(got.split()).rstrip(".")
    return ValueError(f"{folder} must be an intact prepared set, got: {got}; remove the folder and prepare it again.")


def _stacked(images: list[np.ndarray], name: str) -> np.ndarray:
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1:
        raise ValueError(
            f"images of {name} must have one size, got {len(shapes)}, {shapes[0]} and {shapes[-1]} among them; "
            "write them as files and read those by data.folder.read_folder with image_size."
        )
    return np.stack(images)
