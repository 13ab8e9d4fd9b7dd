"""Folders of images that need not fit into memory: files are listed at once, and read one batch at a time."""

import dataclasses
import os
from pathlib import Path

import numpy as np
from jaxtyping import Int32, Shaped
from numpy.typing import NDArray

from jaxcnn.arguments import Size
from jaxcnn.data.folder import list_folder
from jaxcnn.data.images import check_form, read_image
from jaxcnn.data.sources import Pair, stack_images


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
        images = [read_image(path, size=self.size, channels=self.channels, resize=self.resize) for path in paths]
        return stack_images(images, [str(path) for path in paths]), self.labels[rows]

    def name_of(self, row: int) -> str:
        return str(self.paths[row])

    def identity(self) -> bytes:
        names = [os.fsencode(path.relative_to(self.root)) for path in self.paths]
        return b"\0".join([*names, self.labels.tobytes()])


def folder_source(
    path: str | os.PathLike[str],
    *,
    image_size: Size | None = None,
    channels: int | None = None,
    resize: str = "stretch",
    split: str = "train",
) -> FolderSource:
    """Lists a folder that holds a folder a class, for `stream` to read as it goes.

    Args:
        path: the folder, listed as `list_folder` does.
        image_size: height and width in pixels of all images, an int for both; None where all files have one size.
        channels: 1 for grey, 3 for RGB; None where all files are the one or all are the other.
        resize: how a file of another size reaches `image_size`: "stretch", "pad" or "crop", as `read_image` does it.
        split: "train", or another of the folders beside it.

    Raises:
        ValueError: what `list_folder` refuses; what `read_image` refuses is found when the file is read.
        OSError: a folder that cannot be listed.
    """
    size = check_form("image_size", image_size, channels, resize)
    listing, root = list_folder(path, split=split), Path(os.path.expanduser(path))
    return FolderSource(root, listing.paths, listing.labels, listing.class_names, size, channels, resize)
