"""One look for every figure: colours that the colour-blind can tell apart, markers, axes, numbers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from matplotlib import style
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from jaxcnn.visualization.lettering import Lettering, lettering

# Okabe and Ito, "Color Universal Design" (2008); yellow, faint on white, comes last.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

TITLE_WIDTH = 72
LABEL_WIDTH = 48
LEGEND_WIDTH = 24

_LOOK = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.titlesize": 12,
    "font.size": 10,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@contextmanager
def styled(*texts: str) -> Iterator[Lettering]:
    """Matplotlib's defaults and the look of this package inside a `with`, whatever the user's settings are.

    Args:
      texts: everything that will be written, so that fonts are found for it.

    Yields:
      The function that prepares each of these texts for matplotlib.
    """
    letters = lettering(texts)
    with style.context(["default", _LOOK | {"font.family": list(letters.families)}]):
        yield letters


def assign(names: Iterable[str], choices: tuple[str, ...], argument: str) -> dict[str, str]:
    """A choice (colour or marker) for each different name, in order of first appearance.

    Raises:
      ValueError: more names than choices; some could not be told apart.
    """
    distinct = list(dict.fromkeys(names))
    if len(distinct) > len(choices):
        raise ValueError(
            f"{argument} has {len(distinct)} different names, but only {len(choices)} can be told apart: "
            "draw several figures."
        )
    return dict(zip(distinct, choices, strict=False))


def short_number(value: float) -> str:
    """A tick's number: 0.05, 2,000, 50k, 1M, 10G."""
    for factor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(factor, 1e4):
            return f"{value / factor:,g}{suffix}"
    return f"{value:,g}"


def label_decades(axis: Axis, low: float, high: float) -> None:
    """Ticks of a log axis from `low` to `high`: every decade, and 2 and 5 between them where decades are few."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def add_legend(figure: Figure, handles: Sequence[Line2D], plain: Lettering) -> None:
    """A legend right of the axes; a figure too low for it grows."""
    labels = [plain(str(handle.get_label()), LEGEND_WIDTH) for handle in handles]
    lines = sum(label.count("\n") + 1 for label in labels)
    figure.set_figheight(max(figure.get_figheight(), 0.8 + 0.2 * lines))
    figure.legend(list(handles), labels, loc="outside right upper")


def add_note(figure: Figure, note: str) -> None:
    """A line of small print at the bottom, where there is something to say."""
    if note:
        figure.supxlabel(note, x=0.01, ha="left", fontsize=8.5, color="#444444")
