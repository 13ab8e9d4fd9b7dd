"""What the tests of figures share: the texts that a reader sees, and where."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def _hidden_tick_labels(figure: Figure) -> set[Text]:
    """The labels of ticks outside the view or on axes switched off, which matplotlib keeps but does not draw."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not (axes.axison and low <= tick.get_loc() <= high):
                    hidden |= {tick.label1, tick.label2}
    return hidden


@pytest.fixture
def visible_texts():
    """A function: figure -> [(text, bounding box in pixels)], after drawing it."""

    def find(figure):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        hidden = _hidden_tick_labels(figure)
        return [
            (text.get_text(), text.get_window_extent(canvas.get_renderer()))
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip() and text not in hidden
        ]

    return find


@pytest.fixture
def assert_legible(visible_texts):
    """A function that fails where two texts overlap or one leaves the figure."""

    def check(figure):
        texts = visible_texts(figure)
        for (first, a), (second, b) in combinations(texts, 2):
            assert not a.padded(-0.5).overlaps(b.padded(-0.5)), f"{first!r} overlaps {second!r}"
        for text, box in texts:
            assert figure.bbox.padded(0.5).contains(box.x0, box.y0), text
            assert figure.bbox.padded(0.5).contains(box.x1, box.y1), text

    return check
