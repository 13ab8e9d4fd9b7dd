import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from jaxcnn.visualization import Point, scatter

POOLS = ("max", "avg", "min", "stride", "none")
PARAMETERS = {
    "convnet": (104_202, 104_202, 104_202, 113_162, 712_202),
    "lenet5": (61_706, 61_706, 61_706, 61_706, 1_119_626),
    "swish_cnn": (9_532, 9_532, 9_532, 12_052, 203_068),
}
POINTS = [
    Point(x, 97 + i / 10 + row / 3, model, pool, 0.4)
    for row, (model, sizes) in enumerate(PARAMETERS.items())
    for i, (pool, x) in enumerate(zip(POOLS, sizes, strict=True))
]


def draw(points, **options):
    return scatter(points, title="Accuracy", xlabel="parameters", ylabel="test accuracy (%)", **options)


def markers(figure):
    """Marker's symbol, colour, x and y in data, x in pixels, for each point drawn."""
    (axes,) = figure.axes
    FigureCanvasAgg(figure).draw()
    lines = [line for line in axes.lines if line.get_marker() not in ("", "None", None)]
    return [
        (
            line.get_marker(),
            line.get_color(),
            *line.get_xydata()[0],
            *line.get_transform().transform(line.get_xydata()[0]),
        )
        for line in lines
    ]


def test_fifteen_points_have_a_colour_a_model_a_marker_a_pool_and_cover_no_other(assert_legible):
    figure = draw(POINTS, log_x=True)
    assert_legible(figure)
    drawn = markers(figure)
    assert [(x, y) for _, _, x, y, *_ in drawn] == [(point.x, point.y) for point in POINTS]
    assert len({symbol for symbol, *_ in drawn}) == 5
    assert len({color for _, color, *_ in drawn}) == 3
    assert drawn[0][0] == drawn[5][0]
    assert drawn[0][1] == drawn[4][1] != drawn[5][1]
    centres = [np.array(entry[4:]) for entry in drawn]
    size = 7.5 * figure.dpi / 72
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(centres, 2)) > size


def test_axes_and_legend(visible_texts):
    figure = draw(POINTS, log_x=True)
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "parameters", "test accuracy (%)")
    texts = [text for text, _ in visible_texts(figure)]
    assert {*PARAMETERS, *POOLS, "95% confidence interval", "100k"} <= set(texts)
    assert any("side by side" in text for text in texts)


def test_points_far_apart_stay_in_place_and_nothing_is_said(visible_texts):
    figure = draw([Point(1, 2, "a", "x"), Point(np.float32(3), 4, "b", "x")])
    (axes,) = figure.axes
    for _, _, x, y, left, bottom in markers(figure):
        assert (left, bottom) == pytest.approx(tuple(axes.transData.transform((x, y))))
    texts = [text for text, _ in visible_texts(figure)]
    assert not any("side by side" in text or "confidence" in text for text in texts)


def test_error_bars_end_where_y_does():
    (axes,) = draw([Point(1, 0.9, "a", "x", 0.25)], y_range=(0.0, 1.0)).axes
    assert axes.collections[0].get_segments()[0][:, 1].tolist() == [0.65, 1.0]


def test_error_bars_reach_over_the_interval():
    (axes,) = draw([Point(1, 0.5, "a", "x", 0.25)]).axes
    (bar,) = axes.collections
    assert bar.get_segments()[0][:, 1].tolist() == [0.25, 0.75]
    low, high = axes.get_ylim()
    assert low < 0.25
    assert high > 0.75


def test_a_point_that_is_not_finite_is_named(visible_texts):
    figure = draw([Point(1, 2, "convnet", "max"), Point(1, float("nan"), "lenet5", "none")])
    assert len(markers(figure)) == 1
    assert any("lenet5 none" in text for text, _ in visible_texts(figure))


def test_a_point_whose_interval_is_not_finite_is_drawn_without_it_and_named(visible_texts):
    figure = draw([Point(1, 2, "convnet", "max", float("nan"))])
    assert len(markers(figure)) == 1
    assert not figure.axes[0].collections
    assert any("without an interval" in text and "convnet max" in text for text, _ in visible_texts(figure))


def test_nothing_finite_still_draws():
    assert markers(draw([Point(1, float("inf"), "a", "b")], log_x=True)) == []


def test_many_long_names_stay_legible(assert_legible):
    names = [f"a model with quite a long name, number {i}, $in it$" for i in range(8)]
    assert_legible(draw([Point(i + 1, i, name, name) for i, name in enumerate(names)]))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "points is empty"),
        ([Point(0, 1, "a", "b")], "log_x=False"),
        ([Point(1, 1, "a", "b", -0.1)], r"points\[0\].error is -0.1"),
        ([Point(1, 1, str(i), "b") for i in range(9)], "group has 9 different names"),
        ([Point(1, 1, "a", str(i)) for i in range(9)], "kind has 9 different names"),
    ],
)
def test_refused(points, message):
    with pytest.raises(ValueError, match=message):
        draw(points, log_x=True)
