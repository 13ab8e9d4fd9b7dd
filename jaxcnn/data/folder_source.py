"""Folders of images that need not fit into memory: files are listed at once, and read one batch at a time."""

import dataclasses
import os
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Int32, Shaped
from numpy.typing import NDArray

from jaxcnn.arguments import Size, as_bool
from jaxcnn.data.decoding import decode_images
from jaxcnn.data.folder import left_out, list_folder, without
from jaxcnn.data.image_files import broken_images
from jaxcnn.data.images import check_form, read_image, read_start
from jaxcnn.data.sources import Pair, file_stamp, stack_images


@dataclasses.dataclass(frozen=True, eq=False)
class FolderSource:
    """Image files with their labels; `folder_source` makes it."""

    root: Path
    paths: tuple[Path, ...]
    labels: Int32[np.ndarray, " n"]
    class_names: tuple[str, ...] | None
    size: tuple[int, int] | None
    channels: int | None
    resize: str

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        paths = [self.paths[row] for row in rows.tolist()]
        images = decode_images(map(_start, paths), lambda at: self._read_one(paths[at]), fits=self._fits)
        if isinstance(images, list):
            images = stack_images(images, [str(path) for path in paths])
        return images, self.labels[rows]

    def name_of(self, row: int) -> str:
        return str(self.paths[row])

    def identity(self) -> bytes:
        # Times are left out: a copy of the folder is the same source.
        sizes = np.array([os.stat(path).st_size for path in self.paths], np.int64)
        return self._facts(sizes.tobytes())

    def stamp(self) -> bytes:
        """Its identity, and when each file was written: for what is made of the files on this machine."""
        return self._facts(file_stamp(self.paths))

    def _facts(self, of_files: bytes) -> bytes:
        below = len(os.fspath(self.paths[0])) - len(os.fspath(self.paths[0].relative_to(self.root)))
        names = os.fsencode("\0".join([os.fspath(path)[below:] for path in self.paths]))
        return b"\0".join([names, self.labels.tobytes(), of_files, repr(self._form()).encode()])

    def _read_one(self, path: Path) -> NDArray:
        return read_image(path, size=self.size, channels=self.channels, resize=self.resize)

    def _fits(self, shape: tuple[int, int, int]) -> bool:
        return self.size in (None, shape[:2]) and self.channels in (None, shape[2])

    def _form(self) -> tuple[object, ...]:
        return self.size, self.channels, self.resize


def folder_source(
    path: str | os.PathLike[str],
    *,
    image_size: Size | None = None,
    channels: int | None = None,
    resize: str = "stretch",
    split: str = "train",
    skip_broken: bool = False,
) -> FolderSource:
    """Lists a folder that holds a folder a class, for `stream` to read as it goes.

    Args:
        path: the folder, listed as `list_folder` does.
        image_size: height and width in pixels of all images, an int for both; None where all files have one size.
        channels: 1 for grey, 3 for RGB; None where all files are the one or all are the other.
        resize: how a file of another size reaches `image_size`: "stretch", "pad" or "crop", as `read_image` does it.
        split: "train", or another of the folders beside it.
        skip_broken: leave out files that hold no image, or a damaged one, and say so in a warning; to find them, every
            file is read once.

    Raises:
        ValueError: what `list_folder` refuses; a class of which `skip_broken` leaves nothing. What `read_image` refuses
            is found when the file is read.
        OSError: a folder that cannot be listed.
    """
    size = check_form("image_size", image_size, channels, resize)
    listing, root = list_folder(path, split=split), Path(os.path.expanduser(path))
    if as_bool("skip_broken", skip_broken) and (broken := broken_images(listing.paths)):
        warnings.warn(left_out([listing.paths[at] for at in broken]), stacklevel=2)
        listing = without(listing, broken)
    return FolderSource(root, listing.paths, listing.labels, listing.class_names, size, channels, resize)


def _start(path: Path) -> bytes:
    """Nothing of a file that can't be opened, which is said where it is read alone."""
    try:
        return read_start(path)
    except OSError:
        return b""
