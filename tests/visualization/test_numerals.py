import numpy as np
import pytest

from jaxcnn.visualization.numerals import decimals, numeral


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([], 0),
        ([1.0, 2.0, 1e9], 0),
        ([0.9928, 0.1], 4),
        ([12.31, 3.5], 2),
        ([2.3, 0.0234], 3),
        ([1234.5], 0),
        ([1e-12, 1.5], 6),
        ([float("nan"), float("inf"), 0.5], 4),
    ],
)
def test_decimals(values, places):
    assert decimals(values) == places


def test_whole_types_keep_every_digit():
    assert numeral(2**63 + 1, 2) == "9,223,372,036,854,775,809"
    assert numeral(np.int64(1_119_626), 2) == "1,119,626"


def test_fractions_are_rounded_to_the_places():
    assert numeral(np.float32(1234.5678), 2) == "1,234.57"
    assert numeral(float("nan"), 2) == "nan"
