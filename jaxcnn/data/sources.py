"""What a stream reads from: anything that gives its images by number, of which it need not hold one in memory."""

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from jaxcnn.arguments import shown

Pair = tuple[NDArray, NDArray]

MAKE_ALIKE = (  # what to do about images that differ
    "resize and convert them where they are read, as data.folder_source does by image_size, resize and channels"
)
_PROBES = 16


@runtime_checkable
class Source(Protocol):
    """Labelled images by number.

    `class_names` is None where they are not known.
    """

    @property
    def class_names(self) -> tuple[str, ...] | None: ...

    def __len__(self) -> int: ...

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        """The images (m, h, w, c) and the labels (m,) of the given numbers, in their order."""
        ...

    def name_of(self, row: int) -> str:
        """What an error calls an image."""
        ...

    def identity(self) -> bytes:
        """What is known of the source without reading images, for telling a changed one."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class ArraySource:
    """Images and labels that lie in arrays, or in a file mapped into memory by `numpy.load(…, mmap_mode="r")`."""

    images: NDArray
    labels: NDArray
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        return self.images[rows], self.labels[rows]

    def name_of(self, row: int) -> str:
        return f"record {row}"

    def identity(self) -> bytes:
        return self.labels.tobytes()


@dataclasses.dataclass(frozen=True, eq=False)
class RecordSource:
    """Records one at a time: `records[i]` is `(image, label)`, or a dict with "image" and "label" as TFDS gives."""

    records: Any
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.records)

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        several = getattr(self.records, "__getitems__", None)
        found = several(rows.tolist()) if several else [self.records[row] for row in rows.tolist()]
        names = [self.name_of(row) for row in rows.tolist()]
        pairs = [_pair(record, name) for record, name in zip(found, names, strict=True)]
        return stack_images([image for image, _ in pairs], names), stack_labels([label for _, label in pairs], names)

    def name_of(self, row: int) -> str:
        return f"record {row}"

    def identity(self) -> bytes:
        return b""


def as_source(source: Any) -> Source:
    """The source itself, or one around a `Dataset`, arrays `.images` and `.labels`, or a sequence of records.

    Raises:
      TypeError: none of these.
      ValueError: no images at all, or labels that are not one an image.
    """
    found = _source_of(source)
    if len(found) == 0:
        raise ValueError("source must hold at least one image, got none; look whether its folder or split is empty")
    return found


def fingerprint(source: Source) -> str:
    """A digest of the length, the class names, and some images with their labels, evenly over the source."""
    rows = np.unique(np.linspace(0, len(source) - 1, _PROBES).astype(np.int64))
    images, labels = source.read(rows)
    facts = repr((len(source), source.class_names, images.shape, images.dtype.str, labels.tolist())).encode()
    return hashlib.sha256(facts + images.tobytes() + source.identity()).hexdigest()[:32]


def file_stamp(paths: Iterable[str | os.PathLike[str]]) -> bytes:
    """What changes with any change of a file, even one that sets its time back."""
    found = [os.stat(path) for path in paths]
    return np.array([(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino % 2**63) for s in found], np.int64).tobytes()


def stack_images(images: Sequence[Any], names: Sequence[str]) -> NDArray:
    """Images of one shape and dtype as one array; one that differs is named."""
    arrays = [np.asarray(image) for image in images]
    for array, name in zip(arrays, names, strict=True):
        if (array.shape, array.dtype) != (arrays[0].shape, arrays[0].dtype):
            raise ValueError(
                f"images must all have one shape and dtype, got {array.dtype}{array.shape} in {name} and"
                f" {arrays[0].dtype}{arrays[0].shape} in {names[0]}; {MAKE_ALIKE}"
            )
    return np.stack(arrays)


def stack_labels(labels: Sequence[Any], names: Sequence[str]) -> NDArray:
    """Integer labels as one array; one that is none is named."""
    arrays = [np.asarray(label) for label in labels]
    for array, name in zip(arrays, names, strict=True):
        if array.shape or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"labels must be one integer an image, got {shown(array)} in {name}; count from 0")
    return np.stack(arrays)


def _source_of(source: Any) -> Source:
    if isinstance(source, Source):
        return source
    if hasattr(source, "images") and hasattr(source, "labels"):
        return _array_source(source)
    if hasattr(source, "__len__") and hasattr(source, "__getitem__") and not isinstance(source, str | bytes | dict):
        return RecordSource(source, _names_of(source))
    raise TypeError(
        "source must have .images and .labels, or give records by source[i] and len(source),"
        f" got {type(source).__name__}; wrap it in a class that does"
    )


def _array_source(source: Any) -> ArraySource:
    images = source.images if isinstance(source.images, np.ndarray) else np.asarray(source.images)
    labels = np.asarray(source.labels)
    if labels.shape != images.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"source.labels must be integers of shape {images.shape[:1]}, one an image,"
            f" got {labels.dtype}{labels.shape}"
        )
    return ArraySource(images, labels, getattr(source, "class_names", None))


def _names_of(records: Any) -> tuple[str, ...] | None:
    """The class names where a TFDS source knows them."""
    features = getattr(getattr(records, "dataset_info", None), "features", None)
    names = getattr(features["label"], "names", None) if features is not None and "label" in features else None
    return None if names is None else tuple(names)


def _pair(record: Any, name: str) -> tuple[Any, Any]:
    if isinstance(record, dict) and {"image", "label"} <= record.keys():
        return record["image"], record["label"]
    if isinstance(record, tuple) and len(record) == 2:
        return record
    raise ValueError(
        f'records must be (image, label) or a dict with "image" and "label", got {type(record).__name__} for {name};'
        " make them so where they are read"
    )
