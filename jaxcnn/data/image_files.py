"""Many image files as one array, read by several threads."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from jaxcnn.arguments import Size
from jaxcnn.data.images import BrokenImageError, read_image
from jaxcnn.data.memory import refuse_more_than_memory

_PIECE = 128  # files a task: few enough to share out evenly, enough that handing out costs nothing
_MOST_THREADS = 8
_MOST_NAMED = 20
_SMALL = 2**14  # pixels of an image whose decoding costs less than threads that wait for one another


def read_images(
    paths: Sequence[Path],
    *,
    size: Size | None = None,
    channels: int | None = None,
    resize: str = "stretch",
    skip_broken: bool = False,
) -> tuple[UInt8[np.ndarray, "n h w c"], tuple[int, ...]]:
    """Reads files into one array, large ones by several threads.

    Sizes and channels left open are those of the first file that is whole.

    Returns:
        The images, and which of the files are not among them: those that `skip_broken` passes over.

    Raises:
        ValueError, OSError: as `read_image`; a file unlike the first; more images than memory has room for, found
            before they are read. All files are tried, and the further ones that fail are named with the first.
    """

    def read_one(path: Path) -> np.ndarray:
        return read_image(path, size=size, channels=channels, resize=resize)

    first_path, first = _first(paths, read_one, skip_broken)
    refuse_more_than_memory(len(paths), first.shape, first_path)
    images = np.empty((len(paths), *first.shape), np.uint8)

    def read(start: int) -> list[tuple[int, Exception]]:
        failed: list[tuple[int, Exception]] = []
        for at, path in enumerate(paths[start : start + _PIECE], start):
            try:
                image = read_one(path)
                _check_alike(path, image, first_path, first)
                images[at] = image
            except (ValueError, OSError) as error:
                failed.append((at, error))
        return failed

    threads = 1 if first.size <= _SMALL else min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        failures = [failure for part in pool.map(read, range(0, len(paths), _PIECE)) for failure in part]
    broken = tuple(at for at, error in failures if skip_broken and isinstance(error, BrokenImageError))
    _raise([(paths[at], error) for at, error in failures if at not in set(broken)])
    return _without(images, broken), broken


def broken_images(paths: Sequence[Path]) -> tuple[int, ...]:
    """Which of the files hold no image or a damaged one; each is decoded, and none is kept.

    Raises:
        ValueError, OSError: as `read_image` for other reasons.
    """
    return tuple(at for at, path in enumerate(paths) if _is_broken(path))


def _is_broken(path: Path) -> bool:
    try:
        read_image(path)
    except BrokenImageError:
        return True
    return False


def _first(paths: Sequence[Path], read: Callable[[Path], np.ndarray], skip_broken: bool) -> tuple[Path, np.ndarray]:
    """The first file that is whole, which says what the others must be like; without any, the first one's error."""
    failures: list[tuple[Path, Exception]] = []
    for path in paths:
        try:
            return path, read(path)
        except BrokenImageError as error:
            failures.append((path, error))
            if not skip_broken and len(failures) > _MOST_NAMED:
                break
    _raise(failures)
    raise AssertionError("there is a file, and it was read or not")


def _without(images: np.ndarray, broken: Sequence[int]) -> np.ndarray:
    """The other images, moved up in place: a copy might not fit into memory."""
    kept = np.delete(np.arange(len(images)), broken)
    for to, at in enumerate(kept.tolist() if len(broken) else ()):
        images[to] = images[at]
    return images[: len(kept)]


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
