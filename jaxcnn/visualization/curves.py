"""Measures over epochs: a line a variant, a panel a model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat, TypeAlias

import numpy as np
from jaxtyping import Array, Float, Num
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxcnn.visualization.panels import TEXT_WIDTH, add_panels, empty_figure, set_epoch_ticks
from jaxcnn.visualization.style import (
    MARKERS,
    OKABE_ITO,
    TITLE_SIZE,
    add_legend,
    add_note,
    assign,
    styled,
)

Values: TypeAlias = Sequence[SupportsFloat] | Num[Array, " epochs"] | Num[np.ndarray, " epochs"]

_SPREAD = 0.6  # epochs that the variants take up side by side, where there is one epoch only
_MOST_MARKERS = 10  # on a line


@dataclass(frozen=True)
class Curve:
    """One measure over the epochs of a run, or its mean over several runs.

    Attributes:
      panel: the panel it is drawn in, such as the model.
      name: what its colour and marker say, in every panel alike, such as the pooling.
      values: one number an epoch, the first epoch first.
      dashed: whether it is the validation or test curve that goes with a solid training curve.
      low: the lower ends of an interval around the values, shaded; None for none.
      high: its upper ends.
    """

    panel: str
    name: str
    values: Values
    dashed: bool = False
    low: Values | None = None
    high: Values | None = None


def curves(
    series: Sequence[Curve],
    *,
    title: str,
    ylabel: str,
    xlabel: str = "epoch",
    solid_label: str = "training",
    dashed_label: str = "test",
    interval_label: str = "95% confidence interval",
) -> Figure:
    """Draw loss or accuracy over epochs in small multiples: a panel a model, a colour a variant, common axes.

    With a single epoch the variants' markers stand side by side. Values that are not finite (a run that diverged) leave
    a gap, and the figure names their curves.

    Args:
      series: the curves, of at most eight different names.
      title: what the figure shows.
      ylabel: the measure and its unit.
      xlabel: what is counted from 1.
      solid_label: what the solid lines are, for the legend.
      dashed_label: what the dashed lines are.
      interval_label: what the shaded bands are.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no curve, too many names, a curve without values, or an interval of another length.
    """
    _check(series)
    colors = assign((curve.name for curve in series), OKABE_ITO, "series' name")
    panels = list(dict.fromkeys(curve.panel for curve in series))
    labels = (solid_label, dashed_label, interval_label)
    with styled(title, xlabel, ylabel, *labels, *colors, *panels) as plain:
        titles = [plain(panel, TEXT_WIDTH, TITLE_SIZE) for panel in panels]
        figure = empty_figure(titles, title, plain)
        axes = add_panels(figure, titles, plain(xlabel, TEXT_WIDTH), plain(ylabel, TEXT_WIDTH))
        for curve, place in zip(series, _places(series, list(colors)), strict=True):
            _draw(axes[panels.index(curve.panel)], curve, colors, place)
        set_epoch_ticks(axes[0], max(len(_floats(curve.values)) for curve in series))
        add_legend(figure, _legend(series, colors, *labels), plain)
        add_note(figure, _note(series, solid_label, dashed_label), plain)
    return figure


def _check(series: Sequence[Curve]) -> None:
    if not series:
        raise ValueError("series is empty: give at least one Curve.")
    for i, curve in enumerate(series):
        if not len(_floats(curve.values)):
            raise ValueError(f"series[{i}].values is empty: leave out a curve that has no epoch.")
        lengths = [None if ends is None else len(_floats(ends)) for ends in (curve.low, curve.high)]
        if lengths not in ([None, None], [len(_floats(curve.values))] * 2):
            raise ValueError(
                f"series[{i}].low and .high have {lengths[0]} and {lengths[1]} values, but values has "
                f"{len(_floats(curve.values))}: give as many, or None for both."
            )


def _floats(values: Values) -> Float[np.ndarray, " epochs"]:
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _places(series: Sequence[Curve], names: Sequence[str]) -> list[float]:
    """How far right of its epochs each curve is drawn: with one epoch, the markers stand side by side."""
    if any(len(_floats(curve.values)) > 1 for curve in series):
        return [0.0] * len(series)
    width = _SPREAD / len(names)
    return [width * (names.index(curve.name) - (len(names) - 1) / 2 + 0.3 * curve.dashed) for curve in series]


def _draw(axes: Axes, curve: Curve, colors: Mapping[str, str], offset: float) -> None:
    values = _floats(curve.values)
    epochs = np.arange(1, len(values) + 1) + offset
    color = colors[curve.name]
    axes.plot(
        epochs,
        values,
        color=color,
        linestyle="--" if curve.dashed else "-",
        linewidth=1.4,
        marker=MARKERS[list(colors).index(curve.name)],
        markersize=5,
        markerfacecolor="white" if curve.dashed else color,
        markevery=math.ceil(len(values) / _MOST_MARKERS),
    )
    if curve.low is not None and curve.high is not None:
        low, high = _floats(curve.low), _floats(curve.high)
        if len(values) == 1:
            axes.vlines(epochs, low, high, color=color, linewidth=4, alpha=0.3)
        axes.fill_between(epochs, low, high, color=color, alpha=0.12, linewidth=0)


def _legend(
    series: Sequence[Curve], colors: Mapping[str, str], solid_label: str, dashed_label: str, interval_label: str
) -> list[Line2D]:
    gray = "#444444"
    names = [
        Line2D([], [], color=color, marker=marker, markersize=5, linewidth=1.4, label=name)
        for (name, color), marker in zip(colors.items(), MARKERS, strict=False)
    ]
    gap = Line2D([], [], linestyle="none", label="")
    solid = Line2D([], [], color=gray, linewidth=1.4, marker="o", markersize=5, label=solid_label)
    dashed = Line2D(
        [], [], color=gray, linewidth=1.4, linestyle="--", marker="o", markersize=5, mfc="white", label=dashed_label
    )
    band = Line2D([], [], color=gray, linewidth=8, alpha=0.25, label=interval_label)
    kinds = {curve.dashed for curve in series}
    has_band = any(curve.low is not None for curve in series)
    return [
        *names,
        gap,
        *([solid] if False in kinds else []),
        *([dashed] if True in kinds else []),
        *([band] if has_band else []),
    ]


def _note(series: Sequence[Curve], solid_label: str, dashed_label: str) -> str:
    lost = [
        f"{curve.panel} {curve.name} ({dashed_label if curve.dashed else solid_label})"
        for curve in series
        if any(np.isnan(_floats(part)).any() for part in (curve.values, curve.low, curve.high) if part is not None)
    ]
    return f"Not finite in some epochs, so not drawn there: {', '.join(lost)}." if lost else ""
