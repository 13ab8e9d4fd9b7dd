"""Lines through given places: functions of one variable, or a measure by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsFloat, TypeAlias

import numpy as np
from jaxtyping import Array, Float, Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from jaxcnn.visualization.panels import TEXT_WIDTH, add_panels, empty_figure
from jaxcnn.visualization.style import MARKERS, OKABE_ITO, TITLE_SIZE, add_legend, add_note, assign, styled

Places: TypeAlias = Sequence[SupportsFloat] | Num[Array, " n"] | Num[np.ndarray, " n"]

_MOST_MARKED = 25  # places of a line that each get a marker


@dataclass(frozen=True)
class Line:
    """One line of a figure.

    Attributes:
      panel: the panel it is drawn in.
      name: what its colour says, in every panel alike.
      x: where, such as the numbers of the layers.
      y: what, one number a place.
    """

    panel: str
    name: str
    x: Places
    y: Places


def lines(series: Sequence[Line], *, title: str, xlabel: str, ylabel: str, log_y: bool = False) -> Figure:
    """Draw lines in small multiples with common axes: a colour a name.

    Few places get a marker each. Values that are not finite, or not above 0 on a logarithmic axis, leave a gap, and the
    figure names their lines.

    Args:
      series: the lines, of at most eight different names.
      title: what the figure shows.
      xlabel: x's quantity and unit.
      ylabel: y's quantity and unit.
      log_y: a logarithmic y axis.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no line, too many names, a line without places, or x and y of different lengths.
    """
    _check(series)
    colors = assign((line.name for line in series), OKABE_ITO, "series' name")
    panels = list(dict.fromkeys(line.panel for line in series))
    with styled(title, xlabel, ylabel, *colors, *panels) as plain:
        titles = [plain(panel, TEXT_WIDTH, TITLE_SIZE) for panel in panels]
        figure = empty_figure(titles, title, plain)
        axes = add_panels(figure, titles, plain(xlabel, TEXT_WIDTH), plain(ylabel, TEXT_WIDTH))
        for line in series:
            name = list(colors).index(line.name)
            _draw(axes[panels.index(line.panel)], line, colors[line.name], MARKERS[name], log_y)
        _set_scales(axes[0], series, log_y)
        add_legend(figure, [_key(name, color, series) for name, color in colors.items()], plain)
        add_note(figure, _note(series, log_y), plain)
    return figure


def _check(series: Sequence[Line]) -> None:
    if not series:
        raise ValueError("series is empty: give at least one Line.")
    for i, line in enumerate(series):
        if not len(_floats(line.x)) or len(_floats(line.x)) != len(_floats(line.y)):
            raise ValueError(
                f"series[{i}] has {len(_floats(line.x))} x and {len(_floats(line.y))} y: give as many of both, one at "
                "least."
            )


def _floats(values: Places) -> Float[np.ndarray, " n"]:
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _drawn(line: Line, log_y: bool) -> Float[np.ndarray, " n"]:
    y = _floats(line.y)
    return np.where(np.isfinite(y) & ((y > 0) | (not log_y)), y, np.nan)


def _draw(axes: Axes, line: Line, color: str, marker: str, log_y: bool) -> None:
    x = _floats(line.x)
    axes.plot(
        x,
        _drawn(line, log_y),
        color=color,
        linewidth=1.6,
        marker=marker if len(x) <= _MOST_MARKED else None,
        markersize=4,
    )


def _set_scales(axes: Axes, series: Sequence[Line], log_y: bool) -> None:
    whole = all(np.all(_floats(line.x) == np.round(_floats(line.x))) for line in series)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=whole))
    if log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=8))
        axes.yaxis.set_minor_locator(NullLocator())


def _key(name: str, color: str, series: Sequence[Line]) -> Line2D:
    few = all(len(_floats(line.x)) <= _MOST_MARKED for line in series if line.name == name)
    marker = MARKERS[list(dict.fromkeys(line.name for line in series)).index(name)] if few else None
    return Line2D([], [], color=color, linewidth=1.6, marker=marker, markersize=4, label=name)


def _note(series: Sequence[Line], log_y: bool) -> str:
    lost = dict.fromkeys(f"{line.panel} {line.name}" for line in series if np.isnan(_drawn(line, log_y)).any())
    where = "Not finite or not above 0" if log_y else "Not finite"
    return f"{where} in some places, so not drawn there: {', '.join(lost)}." if lost else ""
