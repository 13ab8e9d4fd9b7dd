"""Many image files as one array, read by several threads."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from jaxcnn.arguments import Size
from jaxcnn.data.images import read_image

_PIECE = 128  # files a task: few enough to share out evenly, enough that handing out costs nothing
_MOST_THREADS = 8
_MOST_NAMED = 3


def read_images(
    paths: Sequence[Path], *, size: Size | None = None, channels: int | None = None, resize: str = "stretch"
) -> UInt8[np.ndarray, "n h w c"]:
    """Reads files into one array, by several threads; sizes and channels left open are those of the first file.

    Raises:
        ValueError, OSError: as `read_image`, or a file unlike the first; all files are tried, and the further ones
            that fail are named with it.
    """
    first = read_image(paths[0], size=size, channels=channels, resize=resize)
    images = np.empty((len(paths), *first.shape), np.uint8)

    def read(start: int) -> list[tuple[Path, Exception]]:
        failed: list[tuple[Path, Exception]] = []
        for at, path in enumerate(paths[start : start + _PIECE], start):
            try:
                image = read_image(path, size=size, channels=channels, resize=resize)
                _check_alike(path, image, paths[0], first)
                images[at] = image
            except (ValueError, OSError) as error:
                failed.append((path, error))
        return failed

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        _raise([failure for part in pool.map(read, range(0, len(paths), _PIECE)) for failure in part])
    return images


def _check_alike(path: Path, image: np.ndarray, first_path: Path, first: np.ndarray) -> None:
    if image.shape[2] != first.shape[2]:
        raise ValueError(
            f"{path} is {_colours(image)}, but {first_path} is {_colours(first)}; "
            "say which all shall be, by channels=1 for grey or channels=3 for RGB."
        )
    if image.shape != first.shape:
        (height, width, _), (high, wide, _) = image.shape, first.shape
        raise ValueError(
            f"{path} is {height}×{width}, but {first_path} is {high}×{wide}; "
            f"say which size all shall have, by image_size=({high}, {wide}) say, and how, by resize."
        )


def _colours(image: np.ndarray) -> str:
    return "grey" if image.shape[2] == 1 else "RGB"


def _raise(failures: Sequence[tuple[Path, Exception]]) -> None:
    if not failures:
        return
    (_, error), *others = failures
    if not others:
        raise error
    named = ", ".join(str(path) for path, _ in others[:_MOST_NAMED]) + ", …" * (len(others) > _MOST_NAMED)
    reason = str(error).rstrip(".")
    raise ValueError(
        f"{reason} (and so with {len(others):,} further file{'s' * (len(others) > 1)}: {named})."
    ) from error
