"""Horizontal bars: one number a variant."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, SupportsFloat

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Transform

from jaxcnn.visualization.numerals import decimals, numeral
from jaxcnn.visualization.style import OKABE_ITO, TITLE_SIZE, extra_height, label_decades, short_ticks, styled

_FIGURE_WIDTH = 8.0  # inches
_AXES_WIDTH, _LABEL_WIDTH = 5.5, 1.9  # inches that a line of the axes' texts and of the bars' labels may take
_LINE = 0.25  # inches a line of a label
_GAP = 4.0  # points between a bar's end and its number


class _Bar(NamedTuple):
    group: str
    label: str
    value: SupportsFloat


def bars(
    values: Mapping[str, SupportsFloat] | Mapping[str, Mapping[str, SupportsFloat]],
    *,
    title: str,
    xlabel: str,
    log: bool = False,
) -> Figure:
    """Draw one horizontal bar a value, the number at its end: parameters, bytes or seconds of each variant.

    Args:
      values: label -> number, or group -> label -> number: each group gets a heading and a colour.
      title: what the figure shows.
      xlabel: the quantity and its unit.
      log: a logarithmic axis, for numbers of very different sizes; the bars then start at a power of ten.

    Returns:
      A figure that is not tied to pyplot.

    Raises:
      ValueError: no value at all, or one that is not finite, is negative, or is 0 on a logarithmic axis.
    """
    rows = _rows(values)
    _check(rows, log)
    with styled(title, xlabel, *(row.group for row in rows), *(row.label for row in rows)) as plain:
        heading, unit = plain(title, _AXES_WIDTH, TITLE_SIZE), plain(xlabel, _AXES_WIDTH)
        labels = [plain(row.label, _LABEL_WIDTH) for row in rows]
        positions, groups = _positions(rows)
        names = {line: plain(group, _AXES_WIDTH, TITLE_SIZE) for group, line in groups.items()}
        pitch = max(text.count("\n") + 1 for text in (*labels, *names.values()))
        height = 1.1 + _LINE * pitch * (positions[-1] + 1) + extra_height([heading, unit], TITLE_SIZE)
        figure = Figure(figsize=(_FIGURE_WIDTH, height), layout="constrained")
        axes = figure.add_subplot(title=heading, xlabel=unit)
        _draw(axes, rows, positions, log)
        axes.set_yticks(positions, labels)
        axes.set_ylim(positions[-1] + 0.7, -0.7)
        for line, name in names.items():
            _write(axes, name, (0.0, line), axes.get_yaxis_transform()).set_fontsize(TITLE_SIZE)
        _write_values(figure, axes, rows, positions)
    return figure


def _rows(values: Mapping[str, SupportsFloat] | Mapping[str, Mapping[str, SupportsFloat]]) -> list[_Bar]:
    return [
        _Bar(group, label, value)
        for name, entry in values.items()
        for group, label, value in (
            [(name, label, value) for label, value in entry.items()]
            if isinstance(entry, Mapping)
            else [("", name, entry)]
        )
    ]


def _check(rows: Sequence[_Bar], log: bool) -> None:
    if not rows:
        raise ValueError("values is empty: give at least one label and its number.")
    for row in rows:
        name = f"values[{row.group!r}][{row.label!r}]" if row.group else f"values[{row.label!r}]"
        value = float(row.value)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value}, but a bar needs a finite number of at least 0: leave this one out.")
        if log and value == 0:
            raise ValueError(f"{name} is 0, which a logarithmic axis cannot show: draw with log=False.")


def _positions(rows: Sequence[_Bar]) -> tuple[list[int], dict[str, int]]:
    """The line, counted from the top, of every bar and of every group's heading."""
    positions: list[int] = []
    headings: dict[str, int] = {}
    for row in rows:
        line = len(positions) + len(headings)
        if row.group and row.group not in headings:
            headings[row.group] = line
            line += 1
        positions.append(line)
    return positions, headings


def _draw(axes: Axes, rows: Sequence[_Bar], positions: Sequence[int], log: bool) -> None:
    groups = list(dict.fromkeys(row.group for row in rows))
    colors = [OKABE_ITO[groups.index(row.group) % len(OKABE_ITO)] for row in rows]
    axes.barh(positions, [float(row.value) for row in rows], height=0.76, color=colors, log=log)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if not log:
        short_ticks(axes.xaxis)


def _write(axes: Axes, text: str, place: tuple[float, int], transform: Transform | None = None) -> Annotation:
    """A text that begins a little right of `place`, on white: no grid line runs through it."""
    return axes.annotate(
        text,
        place,
        xycoords=axes.transData if transform is None else transform,
        xytext=(_GAP, 0),
        textcoords="offset points",
        va="center_baseline",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )


def _write_values(figure: Figure, axes: Axes, rows: Sequence[_Bar], positions: Sequence[int]) -> None:
    """Write each number behind its bar, and end the axis where the furthest number ends."""
    values = [float(row.value) for row in rows]
    places = decimals(values)
    texts = [
        _write(axes, numeral(row.value, places), (float(row.value), line))
        for row, line in zip(rows, positions, strict=True)
    ]
    figure.draw_without_rendering()
    widths = [text.get_window_extent().width + 2 * _GAP * figure.dpi / 72 for text in texts]
    if axes.get_xscale() == "log":
        low = math.floor(math.log10(min(values)) - 0.2)
        high = low + _span([math.log10(value) - low for value in values], widths, axes.bbox.width)
        axes.set_xlim(10.0**low, 10.0**high)
        label_decades(axes.xaxis, 10.0**low, 10.0**high)
    else:
        axes.set_xlim(0, _span(values, widths, axes.bbox.width) or 1)


def _span(lengths: Sequence[float], widths: Sequence[float], available: float) -> float:
    """The length of an axis, `available` pixels wide, on which a text of its width follows every bar."""
    return max(
        length * available / max(available - width, available / 4)
        for length, width in zip(lengths, widths, strict=True)
    )
