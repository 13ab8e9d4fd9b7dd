"""One quantity against another: a point a variant."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from jaxcnn.visualization.spread import Mark, shifts
from jaxcnn.visualization.style import (
    LEGEND_WIDTH,
    MARKERS,
    OKABE_ITO,
    TITLE_SIZE,
    add_legend,
    add_note,
    assign,
    extra_height,
    label_decades,
    plain_ticks,
    short_ticks,
    styled,
)

_WIDTH, _HEIGHT = 8.0, 4.7  # inches
_TEXT_WIDTH, _TEXT_HEIGHT = _WIDTH - LEGEND_WIDTH - 0.7, 3.5  # inches that texts along the axes may take
_RADIUS = 5.0  # points around a marker's centre that belong to it alone

Ends = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A variant in a scatter plot.

    Attributes:
      x: such as its number of parameters.
      y: such as its mean test accuracy.
      group: what its colour says, such as the model.
      kind: what its marker says, such as the pooling.
      error: half the width of y's interval, in y's unit; None draws none.
    """

    x: SupportsFloat
    y: SupportsFloat
    group: str
    kind: str
    error: SupportsFloat | None = None


def scatter(
    points: Sequence[Point],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    error_label: str = "95% confidence interval",
    y_range: tuple[float, float] = (-math.inf, math.inf),
) -> Figure:
    """Draw a point a variant, such as accuracy against parameters: colour by group, marker by kind.

    Points too close to tell apart stand side by side, a little off their true x, and the figure says so.
    A point whose x or y is not finite (a run that diverged) has no place; the figure names it instead, as it does
    where an error is not finite.

    Args:
      points: of at most eight different groups and eight different kinds.
      title: what the figure shows.
      xlabel: x's quantity and unit.
      ylabel: y's quantity and unit.
      log_x: a logarithmic x axis.
      error_label: what the error bars are, for the legend.
      y_range: what y can be, such as (0, 1); an error bar that would reach past it ends there.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no point, too many groups or kinds, a negative error, or an x not above 0 on a logarithmic axis.
    """
    _check(points, log_x)
    colors = assign((point.group for point in points), OKABE_ITO, "points' group")
    markers = assign((point.kind for point in points), MARKERS, "points' kind")
    with styled(title, xlabel, ylabel, error_label, *colors, *markers) as plain:
        heading, unit = plain(title, _TEXT_WIDTH, TITLE_SIZE), plain(xlabel, _TEXT_WIDTH)
        height = _HEIGHT + extra_height([heading, unit], TITLE_SIZE)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot(title=heading, xlabel=unit, ylabel=plain(ylabel, _TEXT_HEIGHT))
        drawn = [point for point in points if _is_finite(point)]
        ends = [_ends(point, *y_range) for point in drawn]
        _set_limits(axes, drawn, ends, log_x)
        add_legend(figure, _legend(colors, markers, drawn, error_label), plain)
        moves = _moves(figure, axes, drawn, ends)
        _draw(figure, axes, drawn, ends, moves, colors, markers)
        add_note(figure, _note(points, moves), plain)
    return figure


def _check(points: Sequence[Point], log_x: bool) -> None:
    if not points:
        raise ValueError("points is empty: give at least one Point.")
    for i, point in enumerate(points):
        if log_x and float(point.x) <= 0:
            raise ValueError(f"points[{i}].x is {point.x}, but a logarithmic axis needs more than 0: use log_x=False.")
        if point.error is not None and float(point.error) < 0:
            raise ValueError(f"points[{i}].error is {point.error}, but half a width is at least 0: give None for none.")


def _is_finite(point: Point) -> bool:
    return math.isfinite(float(point.x)) and math.isfinite(float(point.y))


def _lacks_error(point: Point) -> bool:
    return point.error is not None and not math.isfinite(float(point.error))


def _error(point: Point) -> float:
    return 0.0 if point.error is None or _lacks_error(point) else float(point.error)


def _ends(point: Point, least: float, most: float) -> Ends:
    """Of the error bar, which holds the point itself in any case."""
    y, error = float(point.y), _error(point)
    return min(max(y - error, least), y), max(min(y + error, most), y)


def _set_limits(axes: Axes, points: Sequence[Point], ends: Sequence[Ends], log_x: bool) -> None:
    if not points:
        return
    x = [math.log10(float(point.x)) if log_x else float(point.x) for point in points]
    left, right = _padded(min(x), max(x), 0.07)
    if log_x:
        left, right = 10.0**left, 10.0**right
        axes.set_xscale("log")
        label_decades(axes.xaxis, left, right)
    else:
        short_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.set_xlim(left, right)
    lows, highs = zip(*ends, strict=True)
    axes.set_ylim(*_padded(min(lows), max(highs), 0.06))


def _padded(low: float, high: float, fraction: float) -> tuple[float, float]:
    margin = fraction * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _legend(
    colors: Mapping[str, str], markers: Mapping[str, str], points: Sequence[Point], error_label: str
) -> list[Line2D]:
    gap = Line2D([], [], linestyle="none", label="")
    groups = [Line2D([], [], linestyle="none", marker="o", color=color, label=name) for name, color in colors.items()]
    kinds = [
        Line2D([], [], linestyle="none", marker=mark, color="#666666", label=name) for name, mark in markers.items()
    ]
    error = Line2D([], [], linestyle="none", marker="|", markersize=12, color="#666666", label=error_label)
    return [*groups, gap, *kinds, *([gap, error] if any(_error(point) for point in points) else [])]


def _moves(figure: Figure, axes: Axes, points: Sequence[Point], ends: Sequence[Ends]) -> list[float]:
    """How far each point goes aside, in points of space; pixels are known once the layout is."""
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    places = [
        axes.transData.transform([(float(point.x), end) for end in both]) * scale
        for point, both in zip(points, ends, strict=True)
    ]
    marks = [Mark(float(low[0]), float(low[1]), float(high[1])) for low, high in places]
    return shifts(marks, _RADIUS, (axes.bbox.x0 * scale, axes.bbox.x1 * scale))


def _draw(
    figure: Figure,
    axes: Axes,
    points: Sequence[Point],
    ends: Sequence[Ends],
    moves: Sequence[float],
    colors: Mapping[str, str],
    markers: Mapping[str, str],
) -> None:
    for point, (low, high), move in zip(points, ends, moves, strict=True):
        x, y = float(point.x), float(point.y)
        axes.errorbar(
            x,
            y,
            yerr=[[y - low], [high - y]] if _error(point) else None,
            fmt=markers[point.kind],
            color=colors[point.group],
            markersize=7.5,
            markeredgewidth=0,
            elinewidth=1.2,
            transform=axes.transData + ScaledTranslation(move / 72, 0, figure.dpi_scale_trans),
        )


def _note(points: Sequence[Point], moves: Sequence[float]) -> str:
    lost = ", ".join(f"{point.group} {point.kind}" for point in points if not _is_finite(point))
    bare = ", ".join(f"{point.group} {point.kind}" for point in points if _is_finite(point) and _lacks_error(point))
    return " ".join(
        [
            *(["Points too close to tell apart stand side by side around their place."] if any(moves) else []),
            *([f"Not finite, so not drawn: {lost}."] if lost else []),
            *([f"Drawn without an interval, which is not finite: {bare}."] if bare else []),
        ]
    )
