"""Small multiples: panels of one size with common axes."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxcnn.visualization.lettering import Lettering
from jaxcnn.visualization.style import LEGEND_WIDTH, TITLE_SIZE, extra_height, plain_ticks

TEXT_WIDTH = 2.1  # inches that a line along a panel may take
_PANEL_WIDTH, _PANEL_HEIGHT = 2.6, 3.0  # inches


def _grid(panels: Sequence[str]) -> tuple[int, int]:
    columns = 2 if len(panels) == 4 else min(3, len(panels))
    return math.ceil(len(panels) / columns), columns


def empty_figure(panels: Sequence[str], title: str, plain: Lettering) -> Figure:
    """A figure for panels of these titles, with room for a legend beside them and a heading over all."""
    rows, columns = _grid(panels)
    width = max(6.0, columns * _PANEL_WIDTH + LEGEND_WIDTH)
    heading = plain(title, width - LEGEND_WIDTH - 0.2, TITLE_SIZE)
    panel_height = _PANEL_HEIGHT + max(extra_height([panel], TITLE_SIZE) for panel in panels)
    height = 0.5 + rows * panel_height + extra_height([heading], TITLE_SIZE)
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left")
    return figure


def add_panels(figure: Figure, titles: Sequence[str], xlabel: str, ylabel: str) -> list[Axes]:
    """Axes in rows of three at most that share their limits; labels stand at the left and at the bottom only."""
    rows, columns = _grid(titles)
    panels: list[Axes] = []
    for i, title in enumerate(titles):
        first = panels[0] if panels else None
        axes = figure.add_subplot(rows, columns, i + 1, title=title, sharex=first, sharey=first)
        is_left, is_lowest = i % columns == 0, i + columns >= len(titles)
        axes.set(xlabel=xlabel if is_lowest else "", ylabel=ylabel if is_left else "")
        axes.tick_params(labelleft=is_left, labelbottom=is_lowest)
        panels.append(axes)
    plain_ticks(panels[0].yaxis)
    return panels


def set_epoch_ticks(axes: Axes, epochs: int) -> None:
    """Ticks at whole epochs, the first and never the zeroth among them."""
    ticks = MaxNLocator(nbins=5, integer=True).tick_values(1, epochs)
    axes.set_xticks([1, *(tick for tick in ticks if 1 < tick <= epochs)])
    margin = 0.04 * (epochs - 1) or 0.5
    axes.set_xlim(1 - margin, epochs + margin)
