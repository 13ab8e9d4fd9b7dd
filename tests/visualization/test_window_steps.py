import dataclasses

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from jaxcnn.visualization.window_steps import WindowStep, window_steps

STEP = WindowStep(
    label="cell (0, 1)",
    image=np.pad(np.arange(9.0).reshape(3, 3), ((1, 0), (0, 1))),
    pads=((1, 0), (0, 1)),
    corner=(0, 2),
    taps=np.array([[-1.0, 0.0], [2.0, 0.5]]),
    result=np.array([[1.0, 4.0], [np.nan, np.nan]]),
    cell=(0, 1),
    text="0·(−1) + 0·0 + 2·2 + 0·0.5 = 4",
)


def test_numbers_products_and_the_sum_stand_where_they_belong(assert_legible, visible_texts):
    figure = window_steps([STEP, dataclasses.replace(STEP, label="the same again")], title="격자 Steps")
    assert_legible(figure)
    image, kernel, products, result, words = figure.axes[:5]
    assert [text.get_text() for text in kernel.texts] == ["−1", "0", "2", "0.5"]
    assert [text.get_text() for text in products.texts] == ["0", "0", "4", "0"]
    assert [text.get_text() for text in result.texts] == ["1", "4", "", ""]
    assert "2·2 + 0·0.5 = 4" in words.texts[0].get_text()
    assert image.get_title() == "padded input 4×4"
    frame = image.patches[-1]
    assert isinstance(frame, Rectangle)
    assert (*frame.get_xy(), frame.get_width()) == (1.5, -0.5, 2)


def test_large_grids_are_pictures():
    large = dataclasses.replace(STEP, image=np.zeros((12, 12)), result=np.full((11, 11), np.nan))
    figure = window_steps([large], title="t")
    assert [len(axes.images) for axes in figure.axes[:4]] == [1, 0, 0, 1]


def test_a_cell_keeps_its_grey_while_the_map_fills():
    first, last = np.full((11, 11), np.nan), np.arange(121.0).reshape(11, 11)
    first[0, :2] = 5
    steps = [dataclasses.replace(STEP, image=np.zeros((12, 12)), result=result) for result in (first, last)]
    maps = [axes.images[0] for axes in window_steps(steps, title="t").axes if axes.get_title().startswith("feature")]
    assert [one.get_clim() for one in maps] == [(0, 120), (0, 120)]
    assert maps[0].axes.get_facecolor() != maps[0].cmap(1.0)


def test_wrong_steps_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        window_steps([], title="t")
    with pytest.raises(ValueError, match=r"steps\[0\] has a window"):
        window_steps([dataclasses.replace(STEP, corner=(3, 3))], title="t")
