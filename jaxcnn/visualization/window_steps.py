"""A window that slides, as slides draw it: what it sees, its taps, their products and sum, and the map that fills."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from jaxcnn.visualization.style import LABEL_SIZE, SMALL_SIZE, TITLE_SIZE, extra_height, styled

_WIDTH = 9.6  # inches
_PANEL = 2.2  # inches
_MOST_WRITTEN = 9  # rows or columns whose cells have room for a number
_WINDOW, _PADDING, _CELL = "#FFE3C2", "#E4E4E4", "#D55E00"
_TO_COME = "#CFE2F3"  # no grey: where a map drawn as a picture is still empty


@dataclass(frozen=True)
class WindowStep:
    """One position of a window on one channel.

    Attributes:
      label: which step it is.
      image: (height, width) numbers that the window slides over, padding included.
      pads: ((top, bottom), (left, right)) rows and columns of `image` that are padding.
      corner: row and column of `image` under the window's first tap.
      taps: (rows, columns) weights of the window.
      result: (height, width) of the output, NaN where no step came yet.
      cell: row and column of `result` that this step fills.
      text: the calculation.
    """

    label: str
    image: NDArray
    pads: tuple[tuple[int, int], tuple[int, int]]
    corner: tuple[int, int]
    taps: NDArray
    result: NDArray
    cell: tuple[int, ...]
    text: str

    @property
    def window(self) -> NDArray:
        """What the window sees."""
        (row, column), (height, width) = self.corner, self.taps.shape
        return self.image[row : row + height, column : column + width]


def window_steps(steps: Sequence[WindowStep], *, title: str, result_name: str = "feature map") -> Figure:
    """Draw steps of a sliding window, one below the other: input, kernel, products, the output so far, the sum.

    Grids of up to nine rows and columns show their numbers; larger ones are pictures, blue where the output is still
    to come.

    Args:
      steps: from top to bottom.
      title: what the figure shows.
      result_name: what the output is.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no step, or a window that doesn't lie in its image.
    """
    if not steps:
        raise ValueError("steps is empty: give at least one WindowStep.")
    for i, step in enumerate(steps):
        if min(step.corner) < 0 or step.window.shape != step.taps.shape:
            raise ValueError(f"steps[{i}] has a window of {step.taps.shape} at {step.corner}, outside its image.")
    scale = _range([step.result for step in steps])
    with styled(title, result_name, "×·Σ", *(text for s in steps for text in (s.label, s.text))) as plain:
        heading = plain(title, _WIDTH - 0.2, TITLE_SIZE)
        texts = [plain(f"{step.label}: {step.text}", _WIDTH - 0.3, LABEL_SIZE) for step in steps]
        heights = [
            size
            for step, text in zip(steps, texts, strict=True)
            for size in (_height(step), 0.3 + extra_height([text], LABEL_SIZE))
        ]
        figure = Figure(figsize=(_WIDTH, 0.5 + extra_height([heading], TITLE_SIZE) + sum(heights)))
        figure.set_layout_engine("constrained")
        figure.suptitle(heading, x=0.01, ha="left")
        grid = figure.add_gridspec(2 * len(steps), 4, height_ratios=heights)
        for i, (step, text) in enumerate(zip(steps, texts, strict=True)):
            _draw_step(step, [figure.add_subplot(grid[2 * i, j]) for j in range(4)], plain(result_name), scale)
            words = figure.add_subplot(grid[2 * i + 1, :])
            words.set_axis_off()
            words.text(0, 1, text, va="top", fontsize=LABEL_SIZE)
    return figure


def _height(step: WindowStep) -> float:
    """Inches: a row of numbers needs no square."""
    return 0.9 if step.image.shape[0] == 1 else _PANEL


def _range(results: Sequence[NDArray]) -> tuple[float, float] | None:
    """The least and the largest number of all maps, so that a cell keeps its grey; None where all are empty."""
    numbers = np.concatenate([result[np.isfinite(result)] for result in results])
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else None


def _draw_step(step: WindowStep, panels: Sequence[Axes], result_name: str, scale: tuple[float, float] | None) -> None:
    image, kernel, products, result = panels
    source = "padded input" if np.any(step.pads) else "input"
    named = ((source, step.image), ("kernel", step.taps), ("products", step.taps), (result_name, step.result))
    for axes, (name, numbers) in zip(panels, named, strict=True):
        axes.set_title(f"{name} {numbers.shape[0]}×{numbers.shape[1]}", fontsize=SMALL_SIZE, loc="center")
    _grid(image, step.image, _image_colours(step))
    _grid(kernel, step.taps, np.full(step.taps.shape, "white", object))
    _grid(products, step.window * step.taps, np.full(step.taps.shape, _WINDOW, object))
    colours = np.full(step.result.shape, "white", object)
    colours[step.cell] = _WINDOW
    _grid(result, step.result, colours, scale)
    _frame(image, step.corner, step.taps.shape)
    _frame(result, step.cell, (1, 1))


def _image_colours(step: WindowStep) -> NDArray:
    colours = np.full(step.image.shape, _PADDING, object)
    (top, bottom), (left, right) = step.pads
    height, width = step.image.shape
    colours[top : height - bottom, left : width - right] = "white"
    (row, column), (rows, columns) = step.corner, step.taps.shape
    seen = colours[row : row + rows, column : column + columns]
    seen[seen == "white"] = _WINDOW
    return colours


def _grid(axes: Axes, numbers: NDArray, colours: NDArray, scale: tuple[float, float] | None = None) -> None:
    """Cells with numbers, or a picture where they are too many, whose black and white `scale` gives."""
    height, width = numbers.shape
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.grid(visible=False)
    if max(height, width) > _MOST_WRITTEN:
        low, high = scale or (None, None)
        axes.set_facecolor(_TO_COME)
        axes.imshow(np.ma.masked_invalid(numbers), cmap="gray", interpolation="nearest", vmin=low, vmax=high)
        axes.spines[:].set(visible=True, color="#888888", linewidth=0.7)
        return
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    texts = {place: _written(float(number)) for place, number in np.ndenumerate(numbers)}
    size = _size(max(map(len, texts.values())), max(height, width))
    for (row, column), text in texts.items():
        axes.add_patch(
            Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colours[row, column], edgecolor="#888888", lw=0.7)
        )
        axes.text(column, row, text, ha="center", va="center_baseline", fontsize=size)


def _size(letters: int, cells: int) -> float:
    """Points that let so many letters stand in one of so many cells."""
    return max(4.0, min(SMALL_SIZE, 72 * (_PANEL - 0.3) / cells / (0.68 * max(letters, 2))))


def _written(number: float) -> str:
    return "" if math.isnan(number) else f"{number + 0.0:.4g}".replace("-", "−")


def _frame(axes: Axes, corner: tuple[int, ...], shape: tuple[int, ...]) -> None:
    (row, column), (height, width) = corner, shape
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=_CELL, lw=1.8, clip_on=False)
    )
