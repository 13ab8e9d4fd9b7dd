"""Differences and their intervals against zero: a row a comparison, a panel a measure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from jaxcnn.visualization.style import OKABE_ITO, SMALL_SIZE, TITLE_SIZE, add_legend, extra_height, plain_ticks, styled

_PANEL_WIDTH, _LABELS_WIDTH, _LEGEND_ROOM = 2.1, 2.9, 2.3  # inches
_LINE, _ROW_GAP = 0.19, 0.17  # inches that a line of a row's label takes, and between rows


@dataclass(frozen=True)
class Difference:
    """One difference, such as the test accuracy of one variant minus another's.

    Attributes:
      panel: the measure, with its unit.
      row: what is compared.
      mean: the difference.
      error: half the width of its interval; None where there is none.
    """

    panel: str
    row: str
    mean: SupportsFloat
    error: SupportsFloat | None = None


def differences(
    items: Sequence[Difference],
    *,
    title: str,
    xlabel: str,
    error_label: str = "95% confidence interval",
) -> Figure:
    """Draw differences as points with intervals, a filled point where the interval leaves out zero.

    Args:
      items: at most one for each row and panel; finite.
      title: what the figure shows.
      xlabel: the differences' unit.
      error_label: what the error bars are, for the legend.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no item, one that is not finite, a negative error, or two of one row and panel.
    """
    _check(items)
    panels, rows = (list(dict.fromkeys(names)) for names in zip(*((i.panel, i.row) for i in items), strict=True))
    texts = (title, xlabel, error_label, "excludes 0", "includes 0", *panels, *rows)
    with styled(*texts) as plain:
        labels = [plain(row, _LABELS_WIDTH - 0.2) for row in rows]
        titles = [plain(panel, _PANEL_WIDTH - 0.3, SMALL_SIZE) for panel in panels]
        width = _LABELS_WIDTH + len(panels) * _PANEL_WIDTH + _LEGEND_ROOM
        heading = plain(title, width - 0.3, TITLE_SIZE)
        tall = sum(_LINE * (label.count("\n") + 1) + _ROW_GAP for label in labels)
        height = 1.4 + tall + extra_height([heading], TITLE_SIZE) + max(extra_height([t], SMALL_SIZE) for t in titles)
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.suptitle(heading, x=0.01, ha="left")
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            axes.set_title(titles[place], fontsize=SMALL_SIZE)
            axes.set_xlabel(plain(xlabel, _PANEL_WIDTH - 0.2))
            _draw(axes, [item for item in items if item.panel == panel], rows)
            axes.set_yticks(range(len(rows)), labels if place == 0 else [""] * len(rows))
            axes.set_ylim(len(rows) - 0.5, -0.5)
        add_legend(figure, _legend(items, error_label), plain)
    return figure


def _check(items: Sequence[Difference]) -> None:
    if not items:
        raise ValueError("items is empty: give at least one Difference.")
    for i, item in enumerate(items):
        if not math.isfinite(float(item.mean)) or not math.isfinite(_error(item)):
            raise ValueError(f"items[{i}] is {item.mean} ± {item.error}, but must be finite: leave this one out.")
        if _error(item) < 0:
            raise ValueError(f"items[{i}].error is {item.error}, but half a width is at least 0: give None for none.")
    if len({(item.panel, item.row) for item in items}) < len(items):
        raise ValueError("items has two for one row and panel: give their rows different names.")


def _error(item: Difference) -> float:
    return 0.0 if item.error is None else float(item.error)


def _excludes_zero(item: Difference) -> bool:
    return item.error is not None and abs(float(item.mean)) > _error(item)


def _draw(axes: Axes, items: Sequence[Difference], rows: Sequence[str]) -> None:
    axes.axvline(0, color="#444444", linewidth=1)
    for item in items:
        color = OKABE_ITO[0] if float(item.mean) > 0 else OKABE_ITO[1]
        axes.errorbar(
            float(item.mean),
            rows.index(item.row),
            xerr=_error(item) or None,
            fmt="o",
            color=color,
            markersize=6,
            markerfacecolor=color if _excludes_zero(item) else "white",
            elinewidth=1.4,
        )
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    plain_ticks(axes.xaxis)


def _legend(items: Sequence[Difference], error_label: str) -> list[Line2D]:
    gray = "#444444"
    kinds = ((True, gray, "excludes 0"), (False, "white", "includes 0"))
    present = {_excludes_zero(item) for item in items}
    points = [
        Line2D([], [], linestyle="none", marker="o", color=gray, markerfacecolor=fill, label=label)
        for kind, fill, label in kinds
        if kind in present
    ]
    if not any(_error(item) for item in items):
        return points
    return [*points, Line2D([], [], linestyle="-", linewidth=1.4, color=gray, label=error_label)]
