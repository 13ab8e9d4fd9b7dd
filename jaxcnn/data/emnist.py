"""EMNIST as NIST publishes it: an archive of IDX files, or these unpacked, whose images lie on their side.

Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017.
"""

import functools
from pathlib import Path

import numpy as np

from jaxcnn.data import archives, idx
from jaxcnn.data.idx_folder import known_files, read_pair
from jaxcnn.data.layout import Labelled, Layout, name_in
from jaxcnn.data.published import CLASS_NAMES

_ARCHIVE = "gzip.zip"
_UNPACKED = "gzip"  # the folder that the archive unpacks to
_LARGEST = 16 + 697_932 * 28 * 28  # the training images of byclass


def layout(part: str) -> Layout:
    """That of one part: byclass, bymerge, balanced, letters, digits or mnist."""
    prefixes = {split: f"emnist-{part}-{split}" for split in ("train", "test")}
    files = known_files(prefixes)
    return Layout(
        (_ARCHIVE, *files, *(f"{_UNPACKED}/{file}" for file in files)),
        offline=_ARCHIVE,
        read=functools.partial(_read, part),
    )


def _read(part: str, folder: Path, split: str) -> Labelled:
    prefix = f"emnist-{part}-{split}"
    if name_in(folder, _ARCHIVE):
        images, labels, file = _read_archive(folder / _ARCHIVE, prefix)
    else:
        unpacked = any(name_in(folder / _UNPACKED, f"{name}.gz") for name in idx.file_names(prefix))
        images, labels, file = read_pair(folder / _UNPACKED if unpacked else folder, prefix)
    upright = np.ascontiguousarray(images.transpose(0, 2, 1))[..., None]
    return Labelled(upright, _from_zero(labels, part, file), file)


def _read_archive(path: Path, prefix: str) -> tuple[np.ndarray, np.ndarray, str]:
    names = [f"{_UNPACKED}/{name}.gz" for name in idx.file_names(prefix)]
    members = archives.zip_members(path, names, largest=_LARGEST)
    places = [f"{path}: {name}" for name in names]
    images, labels = (
        idx.parse_idx(members[name], place, ndim=ndim) for name, place, ndim in zip(names, places, (3, 1), strict=True)
    )
    idx.check_counts(images, labels, *places)
    return images, labels, places[1]


def _from_zero(labels: np.ndarray, part: str, file: str) -> np.ndarray:
    first = 1 if part == "letters" else 0
    last = first + len(CLASS_NAMES[f"emnist/{part}"]) - 1
    outside = (labels < first) | (labels > last)
    if outside.any():
        at = int(outside.argmax())
        raise ValueError(f"{file} must hold labels of {first} to {last}, got {labels[at]} at index {at}.")
    return labels - np.uint8(first)
