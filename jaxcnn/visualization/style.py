"""One look for every figure: colours that the colour-blind can tell apart, markers, axes, numbers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from matplotlib import style
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, ScalarFormatter

from jaxcnn.visualization.lettering import Lettering, lettering

# Okabe and Ito, "Color Universal Design" (2008); yellow, faint on white, comes last.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

TITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 11.0, 10.0, 9.0  # points
LEGEND_WIDTH = 2.3  # inches, its handles and margins included
_LEGEND_TEXT_WIDTH = 1.75  # inches
_LINE_HEIGHT = 1.35  # font sizes

_LOOK = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE_SIZE,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.titlesize": TITLE_SIZE,
    "font.size": LABEL_SIZE,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "legend.fontsize": SMALL_SIZE,
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
        if max(factor, 1e4) <= abs(value) < 1e15:
            return f"{value / factor:,.10g}{suffix}"
    return f"{value:,.10g}"


def short_ticks(axis: Axis) -> None:
    """Short numbers at an axis' ticks, for quantities that may have many digits."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def plain_ticks(axis: Axis) -> None:
    """Numbers in full at an axis' ticks, all with the same decimals; by default a part may stand in the corner."""
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_scientific(False)
    axis.set_major_formatter(formatter)


def label_decades(axis: Axis, low: float, high: float) -> None:
    """Ticks of a log axis from `low` to `high`: decades, and 2 and 5 between them where decades are few."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,), numticks=9))
    axis.set_minor_locator(NullLocator())
    short_ticks(axis)


def extra_height(texts: Iterable[str], size: float) -> float:
    """Inches that the second and further lines of `texts` take, one text above the other."""
    return sum(text.count("\n") for text in texts) * size * _LINE_HEIGHT / 72


def add_legend(figure: Figure, handles: Sequence[Line2D], plain: Lettering) -> None:
    """A legend right of the axes, `LEGEND_WIDTH` wide at most; a figure too low for it grows."""
    labels = [plain(str(handle.get_label()), _LEGEND_TEXT_WIDTH, SMALL_SIZE) for handle in handles]
    height = 0.3 + 0.21 * len(labels) + extra_height(labels, SMALL_SIZE)
    figure.set_figheight(max(figure.get_figheight(), height))
    figure.legend(list(handles), labels, loc="outside right upper")


def add_note(figure: Figure, note: str, plain: Lettering) -> None:
    """Small print at the bottom, where there is something to say; the figure grows for it."""
    if note:
        text = plain(note, figure.get_figwidth() - 0.3, SMALL_SIZE)
        figure.set_figheight(figure.get_figheight() + 0.3 + extra_height([text], SMALL_SIZE))
        figure.supxlabel(text, x=0.01, ha="left", fontsize=SMALL_SIZE, color="#444444")
