"""Which classes are taken for which: a confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxcnn.visualization.lettering import Lettering
from jaxcnn.visualization.style import SMALL_SIZE, TITLE_SIZE, extra_height, styled

_MOST_COUNTS = 26  # classes whose cells have room for a number
_MOST_NAMES = 60  # classes whose names can stand beside their rows
_LONGEST_NAME = 24
_NAME_WIDTH = 2.2  # inches


def confusion(matrix: Int[np.ndarray, "n n"], class_names: Sequence[str], *, title: str) -> Figure:
    """Draw a confusion matrix: counts, coloured by their share of the true class.

    Shares make a class of few images as visible as one of many. Names longer than 24 letters are shortened; from 27
    classes on the counts are left out, from 61 on the names.

    Args:
      matrix: `matrix[i, j]` is how many images of class i were taken for class j.
      class_names: one a class.
      title: what was classified.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: a matrix that is not square, has no class or negative counts, or another number of names.
    """
    _check(matrix, class_names)
    names = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in class_names]
    with styled(title, *names) as plain:
        side = len(names) * (0.5 if len(names) <= _MOST_COUNTS else 0.2) if len(names) <= _MOST_NAMES else 10.0
        width = max(5.0, side + _NAME_WIDTH + 1.2)
        heading = plain(title, width - 0.2, TITLE_SIZE)
        height = max(2.0, side) + _NAME_WIDTH + 0.4 + extra_height([heading], TITLE_SIZE)
        figure = Figure(figsize=(width, height), layout="compressed")
        figure.suptitle(heading, x=0.01, ha="left")
        _draw(figure.add_subplot(xlabel="taken for", ylabel="true class"), matrix, names, plain)
    return figure


def _check(matrix: np.ndarray, class_names: Sequence[str]) -> None:
    if matrix.shape != (len(class_names),) * 2 or matrix.size == 0:
        raise ValueError(
            f"matrix must have a row and a column for each of the {len(class_names)} class_names, one at least, "
            f"got shape {matrix.shape}."
        )
    if matrix.min() < 0:
        raise ValueError(f"matrix must hold counts of 0 or more, got {matrix.min()}.")


def _draw(axes: Axes, matrix: np.ndarray, names: Sequence[str], plain: Lettering) -> None:
    shares = _shares(matrix)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.grid(False)
    axes.figure.colorbar(picture, ax=axes, label="share of the true class", fraction=0.046, aspect=20)
    if len(names) <= _MOST_NAMES:
        shown, size = [plain(name) for name in names], SMALL_SIZE if len(names) <= _MOST_COUNTS else 7.0
        axes.set_xticks(range(len(names)), shown, rotation=90, fontsize=size)
        axes.set_yticks(range(len(names)), shown, fontsize=size)
    if len(names) <= _MOST_COUNTS:
        _write_counts(axes, matrix, shares)


def _shares(matrix: np.ndarray) -> Float[np.ndarray, "n n"]:
    # A class without images has no shares; its row stays empty.
    return matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)


def _write_counts(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    size = SMALL_SIZE if matrix.max() < 10_000 else 6.5
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=size)
