"""Means at given places with their intervals, such as accuracy by pixels of shift."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
from jaxtyping import Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxcnn.visualization.panels import TEXT_WIDTH, add_panels, empty_figure
from jaxcnn.visualization.style import MARKERS, OKABE_ITO, TITLE_SIZE, add_legend, add_note, assign, styled

_SPREAD = 0.4  # of the distance between two places, which the names take up side by side


@dataclass(frozen=True)
class Whiskers:
    """Means of one variant at several places.

    Attributes:
      panel: the panel they are drawn in, such as the measure.
      name: what their colour and marker say, in every panel alike.
      x: where, such as pixels of shift.
      y: the means, one a place.
      errors: half the width of each interval; None for none.
    """

    panel: str
    name: str
    x: Sequence[SupportsFloat]
    y: Sequence[SupportsFloat]
    errors: Sequence[SupportsFloat] | Num[np.ndarray, " n"] | None = None


def whiskers(
    series: Sequence[Whiskers],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    error_label: str = "95% confidence interval",
    bounds: tuple[float | int, float | int] | None = None,
) -> Figure:
    """Draw means with error bars in small multiples with common axes: a colour a name, side by side at each place.

    Means that are not finite leave a gap, and the figure names their series, as it does where an error is not finite.

    Args:
      series: of at most eight different names; the places of all are those of the first.
      title: what the figure shows.
      xlabel: x's quantity and unit.
      ylabel: y's quantity and unit.
      error_label: what the error bars are, for the legend.
      bounds: what y cannot pass, such as (0, 1) for a share; error bars end there.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no series, too many names, other places than the first's, as many means or errors as places lacking,
        or a negative error.
    """
    _check(series)
    colors = assign((one.name for one in series), OKABE_ITO, "series' name")
    panels = list(dict.fromkeys(one.panel for one in series))
    with styled(title, xlabel, ylabel, error_label, *colors, *panels) as plain:
        titles = [plain(panel, TEXT_WIDTH, TITLE_SIZE) for panel in panels]
        figure = empty_figure(titles, title, plain)
        axes = add_panels(figure, titles, plain(xlabel, TEXT_WIDTH), plain(ylabel, TEXT_WIDTH))
        for one in series:
            _draw(axes[panels.index(one.panel)], one, list(colors), colors, bounds or (-math.inf, math.inf))
        axes[0].set_xticks([float(x) for x in series[0].x])
        add_legend(figure, _legend(series, colors, error_label), plain)
        add_note(figure, _note(series), plain)
    return figure


def _check(series: Sequence[Whiskers]) -> None:
    if not series or not len(series[0].x):
        raise ValueError("series is empty or has no place: give at least one Whiskers with one.")
    for i, one in enumerate(series):
        if list(map(float, one.x)) != list(map(float, series[0].x)):
            raise ValueError(f"series[{i}].x has other places than series[0].x: draw several figures.")
        counts = [len(one.y), *([] if one.errors is None else [len(one.errors)])]
        if any(count != len(one.x) for count in counts):
            raise ValueError(f"series[{i}] has {len(one.x)} x but {counts} y and errors: give as many of each.")
        if any(float(error) < 0 for error in (() if one.errors is None else one.errors)):
            raise ValueError(f"series[{i}].errors has a negative one, but half a width is at least 0.")


def _draw(
    axes: Axes, one: Whiskers, names: Sequence[str], colors: Mapping[str, str], bounds: tuple[float | int, float | int]
) -> None:
    x, place = [float(value) for value in one.x], names.index(one.name)
    apart = min((b - a for a, b in zip(sorted(x), sorted(x)[1:], strict=False)), default=1.0)
    offset = _SPREAD * apart * (place - (len(names) - 1) / 2) / len(names)
    y = [float(value) if math.isfinite(float(value)) else math.nan for value in one.y]
    errors = None if one.errors is None else _within(y, one.errors, bounds)
    axes.errorbar(
        [value + offset for value in x],
        y,
        yerr=errors,
        color=colors[one.name],
        linewidth=1.0,
        elinewidth=1.2,
        marker=MARKERS[place],
        markersize=4.5,
        markeredgewidth=0,
    )


def _within(
    y: Sequence[float], errors: Sequence[SupportsFloat] | Num[np.ndarray, " n"], bounds: tuple[float | int, float | int]
) -> list[list[float]]:
    """How far each error bar goes down, and up."""
    half = [float(error) if math.isfinite(float(error)) else 0.0 for error in errors]
    down = [max(min(error, value - bounds[0]), 0.0) for error, value in zip(half, y, strict=True)]
    return [down, [max(min(error, bounds[1] - value), 0.0) for error, value in zip(half, y, strict=True)]]


def _legend(series: Sequence[Whiskers], colors: Mapping[str, str], error_label: str) -> list[Line2D]:
    keys = [
        Line2D([], [], color=color, marker=marker, markersize=5, linewidth=1.0, label=name)
        for (name, color), marker in zip(colors.items(), MARKERS, strict=False)
    ]
    if all(one.errors is None for one in series):
        return keys
    gap = Line2D([], [], linestyle="none", label="")
    return [*keys, gap, Line2D([], [], linestyle="none", marker="|", markersize=12, color="#666666", label=error_label)]


def _note(series: Sequence[Whiskers]) -> str:
    lost = ", ".join(f"{one.panel} {one.name}" for one in series if not _is_finite(one.y))
    bare = ", ".join(
        f"{one.panel} {one.name}" for one in series if one.errors is not None and not _is_finite(one.errors)
    )
    return " ".join(
        [
            *([f"Not finite in some places, so not drawn there: {lost}."] if lost else []),
            *([f"In some places without an interval, which is not finite: {bare}."] if bare else []),
        ]
    )


def _is_finite(values: Sequence[SupportsFloat] | Num[np.ndarray, " n"]) -> bool:
    return all(math.isfinite(float(value)) for value in values)
