import math

import numpy as np
import pytest

from jaxcnn.visualization.differences import Difference, differences


def draw(items):
    return differences(items, title="Pairs of runs", xlabel="difference (fraction)")


def test_a_row_a_comparison_a_panel_a_measure(visible_texts, assert_legible):
    rows = ["as they are: max pooling – no pooling", "at equal parameters: max pooling, dense 1,893 – no pooling"]
    items = [
        Difference(panel, row, mean, 0.02)
        for panel in ("test accuracy, first minus second", "same answer, first minus second")
        for row, mean in zip(rows, (-0.05, 0.01), strict=True)
    ]
    figure = draw(items)
    assert_legible(figure)
    for axes in figure.axes:
        points = [line for line in axes.lines if line.get_marker() == "o"]
        assert [np.asarray(p.get_xydata()).tolist() for p in points] == [[[-0.05, 0]], [[0.01, 1]]]
        assert [p.get_markerfacecolor() == "white" for p in points] == [False, True]
    assert {"excludes 0", "includes 0", "95% confidence interval"} <= {text for text, _ in visible_texts(figure)}


def test_a_single_run_excludes_nothing(visible_texts):
    texts = {text for text, _ in visible_texts(draw([Difference("m", "r", 0.5)]))}
    assert "includes 0" in texts
    assert not {"excludes 0", "95% confidence interval"} & texts


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "items is empty"),
        ([Difference("m", "r", math.nan)], "must be finite"),
        ([Difference("m", "r", 0.0, -1.0)], "at least 0"),
        ([Difference("m", "r", 0.0), Difference("m", "r", 1.0)], "two for one row and panel"),
    ],
)
def test_refuses(items, message):
    with pytest.raises(ValueError, match=message):
        draw(items)
