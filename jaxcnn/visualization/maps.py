"""Rows of small pictures with one colour scale a row: images, filters, feature maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from jaxcnn.visualization.lettering import Lettering
from jaxcnn.visualization.style import SMALL_SIZE, TITLE_SIZE, extra_height, styled

_CELL, _GAP = 1.0, 0.14  # inches
_LABEL_WIDTH, _BAR_WIDTH = 1.5, 0.95  # inches
MOST_MAPS = 24


@dataclass(frozen=True)
class MapRow:
    """Pictures that share a colour scale, beside the row's name.

    Attributes:
      label: what the row shows; a line break stays one.
      maps: one (height, width) array a picture, or (height, width, 3) for colours in 0 to 1; 1 to 24 of them.
      captions: one text a picture, above it; empty for none.
      signed: colours from blue over white to red, white at 0, rather than from black to white.
      unit: what the colours measure, at the row's colour bar; empty for no bar.
    """

    label: str
    maps: Sequence[NDArray]
    captions: Sequence[str] = ()
    signed: bool = False
    unit: str = ""


def maps(rows: Sequence[MapRow], *, title: str) -> Figure:
    """Draw rows of pictures, each row on one colour scale, so that pictures of a row compare.

    Args:
      rows: from top to bottom.
      title: what the figure shows.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no row, a row of no or more than 24 maps, another number of captions, or numbers that aren't finite.
    """
    _check(rows)
    columns = max(len(row.maps) for row in rows)
    texts = [text for row in rows for text in (row.label, row.unit, *row.captions)]
    with styled(title, *texts) as plain:
        width = max(5.0, _LABEL_WIDTH + columns * (_CELL + _GAP) + _BAR_WIDTH)
        heading = plain(title, width - 0.2, TITLE_SIZE)
        captions = [_caption_height(row, plain) for row in rows]
        top = 0.4 + extra_height([heading], TITLE_SIZE)
        height = top + sum(captions) + len(rows) * (_CELL + _GAP) + 0.05
        # Placed by hand: a layout engine takes seconds for hundreds of axes whose sizes are known anyway.
        figure = Figure(figsize=(width, height))
        figure.text(0.1 / width, 1 - 0.1 / height, heading, va="top", fontsize=TITLE_SIZE)
        for row, above in zip(rows, captions, strict=True):
            top += above
            *lefts, last = (_LABEL_WIDTH + i * (_CELL + _GAP) for i in (*range(len(row.maps)), columns))
            panels, bar = [_axes(figure, left, top, _CELL) for left in lefts], _axes(figure, last, top, 0.1)
            middle = 1 - (top + _CELL / 2) / height
            figure.text(0.1 / width, middle, _lines(row.label, plain), va="center", fontsize=SMALL_SIZE)
            _draw(row, panels, bar, plain)
            top += _CELL + _GAP
    return figure


def _axes(figure: Figure, left: float, top: float, width: float) -> Axes:
    """Axes of a cell's height, placed by inches from the figure's upper left corner."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, 1 - (top + _CELL) / high, width / wide, _CELL / high))


def _check(rows: Sequence[MapRow]) -> None:
    if not rows:
        raise ValueError("rows is empty: give at least one MapRow.")
    for i, row in enumerate(rows):
        if not 1 <= len(row.maps) <= MOST_MAPS:
            raise ValueError(f"rows[{i}].maps must hold 1 to {MOST_MAPS} maps, got {len(row.maps)}: give a part.")
        if len(row.captions) not in (0, len(row.maps)):
            raise ValueError(
                f"rows[{i}].captions has {len(row.captions)} texts for {len(row.maps)} maps: give one a map, or none."
            )
        if not all(np.isfinite(np.asarray(picture, np.float64)).all() for picture in row.maps):
            raise ValueError(f"rows[{i}].maps must hold finite numbers: leave out a map with NaN or infinity.")


def _lines(label: str, plain: Lettering) -> str:
    return "\n".join(plain(line, _LABEL_WIDTH - 0.25, SMALL_SIZE) for line in label.split("\n"))


def _caption_height(row: MapRow, plain: Lettering) -> float:
    lines = [plain(text, _CELL, SMALL_SIZE) for text in row.captions]
    return 0.2 + max(extra_height([line], SMALL_SIZE) for line in lines) if lines else 0.0


def _draw(row: MapRow, panels: Sequence[Axes], beside: Axes, plain: Lettering) -> None:
    """The row's pictures, and in `beside` their colour bar."""
    low, high = _limits(row)
    colours = "RdBu_r" if row.signed else "gray"
    for i, (axes, picture) in enumerate(zip(panels, row.maps, strict=True)):
        shown = np.asarray(picture, np.float64)
        axes.imshow(shown, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.5)
        if row.captions:
            axes.set_title(plain(row.captions[i], _CELL, SMALL_SIZE), fontsize=SMALL_SIZE, loc="center", pad=3)
    if not row.unit or all(np.ndim(picture) == 3 for picture in row.maps):
        beside.remove()
        return
    bar = beside.figure.colorbar(ScalarMappable(Normalize(low, high), colours), cax=beside)
    bar.set_ticks([tick for tick in MaxNLocator(3).tick_values(low, high) if low <= tick <= high])
    bar.set_label(plain(row.unit, _CELL, SMALL_SIZE), fontsize=SMALL_SIZE)
    beside.tick_params(labelsize=7)


def _limits(row: MapRow) -> tuple[float, float]:
    """The ends of the row's colours."""
    gray = [np.asarray(picture, np.float64) for picture in row.maps if np.ndim(picture) == 2]
    low, high = (min(m.min() for m in gray), max(m.max() for m in gray)) if gray else (0.0, 1.0)
    if row.signed:
        low, high = -max(-low, high), max(-low, high)
    return (low, high) if low < high else (low - 0.5, high + 0.5)
