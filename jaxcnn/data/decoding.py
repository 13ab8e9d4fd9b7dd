"""The contents of many image files as arrays: small plain PNGs many at a time, all others one by one."""

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jaxcnn.data.png import Rows, plain_rows, unfiltered

_PIECE = 256  # files that are held at one time, and decoded as one image


def decode_images(
    contents: Iterable[bytes],
    decode: Callable[[int], NDArray],
    *,
    fits: Callable[[tuple[int, int, int]], bool] = lambda shape: True,
) -> NDArray | list[NDArray]:
    """The images (h, w, c) of files: one array (n, h, w, c) where they are alike, else a list.

    Args:
      contents: of the files, each whole or cut short where it is long.
      decode: gives the image of one of them, by its number, where it is no small plain PNG, or raises what it should.
      fits: whether images of a shape are wanted as they are; others are left to `decode`.
    """
    files, found, start = iter(contents), [], 0
    while piece := list(islice(files, _PIECE)):
        found.append(_decoded([plain_rows(content) for content in piece], start, decode, fits))
        start += len(piece)
    if len({array.shape[1:] for array in found if isinstance(array, np.ndarray)}) == 1:
        return found[0] if len(found) == 1 else np.concatenate(found)
    return [image for images in found for image in images]


def _decoded(
    files: list[Rows | None], start: int, decode: Callable[[int], NDArray], fits: Callable[..., bool]
) -> NDArray | list[NDArray]:
    images: dict[int, NDArray] = {}
    for shape in {rows.shape for rows in files if rows is not None and fits(rows.shape)}:
        places = [at for at, rows in enumerate(files) if rows is not None and rows.shape == shape]
        found = unfiltered(shape, [rows.filtered for rows in files if rows is not None and rows.shape == shape])
        if found is not None and len(found) == len(files):
            return found
        images |= {} if found is None else dict(zip(places, found, strict=True))
    listed = [images[at] if at in images else decode(start + at) for at in range(len(files))]
    return np.stack(listed) if len({(image.shape, image.dtype) for image in listed}) == 1 else listed
