import numpy as np
import pytest

from jaxcnn.visualization.maps import MapRow, maps


def test_a_row_shares_its_colours_and_white_is_zero(assert_legible):
    rows = [
        MapRow("images", [np.eye(3), np.zeros((3, 3)), np.ones((3, 3, 3))], ["one", "two", "세 번째"], unit="pixel"),
        MapRow("vertical edges of a long name", [np.eye(3) * -4, np.eye(3)], signed=True, unit="sum"),
    ]
    figure = maps(rows, title="Maps")
    assert_legible(figure)
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_clim() for image in shown] == [(0, 1)] * 3 + [(-4, 4)] * 2
    assert np.asarray(shown[3].get_array())[0, 0] == -4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows is empty"),
        ([MapRow("a", [])], r"rows\[0\].maps must hold 1 to 24 maps, got 0"),
        ([MapRow("a", [np.eye(2)], ["x", "y"])], "2 texts for 1 maps"),
        ([MapRow("a", [np.full((2, 2), np.nan)])], "finite"),
    ],
)
def test_wrong_rows_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        maps(rows, title="t")
