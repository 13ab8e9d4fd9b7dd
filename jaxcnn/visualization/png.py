"""Figures as PNG files."""

import io
import os
from pathlib import Path

from matplotlib.figure import Figure

from jaxcnn.files import write_atomically
from jaxcnn.visualization.style import styled

DOTS_PER_INCH = 150


def encode_png(figure: Figure) -> bytes:
    """The figure as PNG bytes, 150 dots an inch; the same figure gives the same bytes.

    Matplotlib's version note is left out of the file, so that results can be compared byte by byte.
    """
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure to `path` as a PNG, whole or not at all.

    Args:
      figure: any matplotlib figure.
      path: a name ending in `.png`, in a folder that exists.

    Returns:
      `path` as a `Path`.

    Raises:
      ValueError: `path` does not end in `.png`.
      OSError: the file cannot be written; an earlier file of that name is unchanged.
    """
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"path must end in .png, the one format written here, got {os.fspath(path)!r}: rename it.")
    return write_atomically(path, encode_png(figure))
