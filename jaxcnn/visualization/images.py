"""A grid of images with captions."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Shaped
from matplotlib.figure import Figure

from jaxcnn.visualization.style import SMALL_SIZE, TITLE_SIZE, extra_height, styled

_CELL = 1.35  # inches
_CAPTION_WIDTH = 1.2  # inches
_MOST = 400


def images(
    pictures: Shaped[Array, "..."] | Shaped[np.ndarray, "..."],
    captions: Sequence[str] | None = None,
    *,
    title: str,
    columns: int = 6,
) -> Figure:
    """Draw images in a grid, such as sample digits with their labels.

    Args:
      pictures: `(n, h, w)` or `(n, h, w, channels)` with 1 (gray), 3 (RGB) or 4 (RGBA) channels; uint8 in 0 to 255,
        or floats in 0 to 1.
      captions: one text an image, written above it; None for none.
      title: what the images are.
      columns: images in a row.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: another shape, type or range, no image or more than 400, `columns` below 1, or another
        number of captions.
    """
    pixels = _pixels(pictures)
    texts = [""] * len(pixels) if captions is None else list(captions)
    if len(texts) != len(pixels):
        raise ValueError(f"captions has {len(texts)} texts for {len(pixels)} images: give one an image, or None.")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}.")
    columns = min(columns, len(pixels))
    with styled(title, *texts) as plain:
        ready = [plain(text, _CAPTION_WIDTH, SMALL_SIZE) for text in texts]
        rows, width = math.ceil(len(pixels) / columns), max(4.0, columns * _CELL)
        heading = plain(title, width - 0.2, TITLE_SIZE)
        row_height = _CELL + 0.16 + max(extra_height([text], SMALL_SIZE) for text in ready)
        figure = Figure(
            figsize=(width, 0.5 + extra_height([heading], TITLE_SIZE) + rows * row_height), layout="constrained"
        )
        figure.suptitle(heading, x=0.01, ha="left")
        for i, (image, text) in enumerate(zip(pixels, ready, strict=True)):
            axes = figure.add_subplot(rows, columns, i + 1)
            axes.imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1, interpolation="nearest")
            axes.set_title(text, fontsize=SMALL_SIZE, loc="center")
            axes.set_axis_off()
    return figure


def _pixels(pictures: Shaped[Array, "..."] | Shaped[np.ndarray, "..."]) -> np.ndarray:
    """The images as matplotlib takes them: gray ones without a channel dimension."""
    array = np.asarray(pictures)
    if array.ndim not in (3, 4) or array.shape[3:] not in ((), (1,), (3,), (4,)) or 0 in array.shape:
        raise ValueError(
            f"pictures must have shape (n, h, w) or (n, h, w, channels) with 1, 3 or 4 channels, got {array.shape}: "
            "put the images along the first dimension and the channels last."
        )
    if len(array) > _MOST:
        raise ValueError(
            f"pictures holds {len(array)} images, but a figure takes {_MOST} at most: give a part, pictures[:{_MOST}]."
        )
    if array.dtype != np.uint8:
        array = _unit_range(array)
    return array[..., 0] if array.shape[3:] == (1,) else array


def _unit_range(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fV" and "float" not in array.dtype.name:
        raise ValueError(f"pictures must be uint8 or floating point, got {array.dtype}: convert with .astype('uint8').")
    floats = array.astype(np.float32)
    if not (floats.min() >= 0 and floats.max() <= 1):
        raise ValueError(
            f"pictures of type {array.dtype} must lie in 0 to 1, got {floats.min():g} to {floats.max():g}: "
            "scale them, or give uint8 in 0 to 255."
        )
    return floats
