import numpy as np
import pytest
from matplotlib.colors import to_hex

from jaxcnn.visualization import bars

# Parameters of the design's table of models.
PARAMETERS = {
    "convnet": {"max": 104_202, "avg": 104_202, "min": 104_202, "stride": 113_162, "none": 712_202},
    "lenet5": {"max": 61_706, "none": 1_119_626},
    "swish_cnn": {"max": 9_532, "none": 203_068},
}


def draw(values, **options):
    return bars(values, title="Parameters", xlabel="parameters", **options)


def test_grouped_bars_have_lengths_labels_numbers_and_one_colour_a_group(visible_texts):
    figure = draw(PARAMETERS, log=True)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [n for group in PARAMETERS.values() for n in group.values()]
    colors = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert [len(set(part)) for part in (colors[:5], colors[5:7], colors[7:], colors)] == [1, 1, 1, 3]
    texts = [text for text, _ in visible_texts(figure)]
    assert {"convnet", "lenet5", "swish_cnn", "104,202", "1,119,626", "9,532"} <= set(texts)
    assert texts.count("max") == 3
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_title(loc="left")) == ("log", "parameters", "Parameters")


@pytest.mark.parametrize("log", [False, True])
def test_numbers_stand_clear_of_every_bar_and_inside_the_axes(log, visible_texts, assert_legible):
    figure = draw(PARAMETERS, log=log)
    assert_legible(figure)
    (axes,) = figure.axes
    numbers = [
        box for text, box in visible_texts(figure) if "," in text and text[-3:].isdigit() and box.x0 > axes.bbox.x0
    ]
    bar_boxes = [bar.get_window_extent() for bar in axes.patches]
    in_axes = [box for box in numbers if box.y0 > axes.bbox.y0]
    assert len(in_axes) == 9
    assert not any(box.overlaps(bar) for box in in_axes for bar in bar_boxes)
    assert max(box.x1 for box in in_axes) <= axes.bbox.x1


def test_a_log_axis_starts_below_the_smallest_bar():
    (axes,) = draw({"a": 1000, "b": 2000}, log=True).axes
    assert axes.get_xlim()[0] == pytest.approx(100)


def test_fractions_get_the_same_decimals(visible_texts):
    texts = [text for text, _ in visible_texts(draw({"a": 12.3149, "b": np.float32(3.5), "c": 0}))]
    assert {"12.31", "3.50", "0"} <= set(texts)


def test_hostile_and_long_labels_stay_literal_and_legible(visible_texts, assert_legible):
    values = {"costs $5, or $6_7": 3, "\\alpha {": 2, "long " * 40: 1, "고양이": 5}
    figure = bars(values, title="a title of many words " * 12, xlabel="$x$ and $y$ " * 20)
    assert_legible(figure)
    assert r"costs \$5, or \$6_7" in [text for text, _ in visible_texts(figure)]


def test_all_zeros_are_drawn():
    (axes,) = draw({"a": 0, "b": 0.0}).axes
    assert axes.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    ("values", "log", "message"),
    [
        ({}, False, "values is empty"),
        ({"m": {"a": float("nan")}}, False, r"values\['m'\]\['a'\] is nan"),
        ({"a": -1}, False, r"values\['a'\] is -1"),
        ({"a": 1, "b": 0}, True, "log=False"),
    ],
)
def test_refused(values, log, message):
    with pytest.raises(ValueError, match=message):
        draw(values, log=log)
