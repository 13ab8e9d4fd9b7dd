import math

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from jaxcnn.visualization.whiskers import Whiskers, whiskers


def draw(series):
    return whiskers(series, title="Shifted images", xlabel="shift (pixels)", ylabel="share")


def test_means_stand_side_by_side_with_their_intervals(visible_texts, assert_legible):
    names = [f"variant {i}" for i in range(8)]
    series = [
        Whiskers(panel, name, range(5), [0.9 - 0.1 * x for x in range(5)], [0.01] * 5)
        for panel in ("accuracy", "same answer")
        for name in names
    ]
    figure = draw(series)
    assert_legible(figure)
    first, second = figure.axes
    drawn = [[line for line in axes.lines if line.get_linewidth() == 1.0] for axes in (first, second)]
    places = np.array([np.asarray(line.get_xdata(), float) for line in drawn[0]])
    assert np.ptp(places[:, 0]) < 0.5  # nearer to their place than to the next
    assert len(set(places[:, 0])) == 8
    np.testing.assert_allclose(places.mean(0), range(5), atol=1e-12)
    assert [line.get_color() for line in drawn[0]] == [line.get_color() for line in drawn[1]]
    assert {"95% confidence interval", *names} <= {text for text, _ in visible_texts(figure)}


def test_intervals_end_at_the_bounds():
    series = [Whiskers("accuracy", "a", [0, 1], [0.9, 0.5], [0.3, 0.2])]
    figure = whiskers(series, title="t", xlabel="x", ylabel="share", bounds=(0, 1))
    (drawn,) = figure.axes[0].collections
    assert isinstance(drawn, LineCollection)
    bars = [np.asarray(bar) for bar in drawn.get_segments()]
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[0.6, 1], [0.3, 0.7]])


def test_what_is_not_finite_is_named(visible_texts):
    figure = draw([Whiskers("accuracy", "a", [0, 1], [0.5, math.nan])])
    assert any("not drawn there: accuracy a." in text for text, _ in visible_texts(figure))
    figure = draw([Whiskers("accuracy", "a", [0, 1], [0.5, 0.6], np.array([math.nan, 0.1]))])
    assert any("without an interval, which is not finite: accuracy a." in text for text, _ in visible_texts(figure))


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "series is empty"),
        ([Whiskers("p", "a", [0], [1, 2])], "give as many of each"),
        ([Whiskers("p", "a", [0], [1], [-1])], "a negative one"),
        ([Whiskers("p", "a", [0], [1]), Whiskers("p", "b", [1], [1])], "other places"),
    ],
)
def test_refuses(series, message):
    with pytest.raises(ValueError, match=message):
        draw(series)
