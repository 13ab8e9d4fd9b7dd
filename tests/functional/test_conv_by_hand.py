"""F.conv on the lectures' worked examples, and padding modes by hand."""

import numpy as np
import pytest

import jaxcnn.functional as F


def image(rows):
    return np.array(rows, np.float32)[..., None]


def filters(*kernels):
    return np.stack([np.array(k, np.float32) for k in kernels], -1)[..., None, :]


LECTURE_SIGNAL = [2, 8, 3, 7, 1, 2, 0, 4, 5]
LECTURE_NINE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
LECTURE_FIVE = [[2, 1, 2, 0, 1], [1, 3, 2, 2, 3], [1, 1, 3, 3, 0], [2, 2, 0, 1, 1], [0, 0, 3, 1, 2]]


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("VALID", [48, 57, 24, 25, 16, 39]),
        ("FULL", [6, 34, 51, 48, 57, 24, 25, 16, 39, 29, 13, 10]),
        ("SAME_LOWER", [34, 51, 48, 57, 24, 25, 16, 39, 29]),
        ("SAME", [51, 48, 57, 24, 25, 16, 39, 29, 13]),
        ("CAUSAL", [6, 34, 51, 48, 57, 24, 25, 16, 39]),
    ],
)
def test_lecture_signal(padding, expected):
    y = F.conv(image(LECTURE_SIGNAL), filters([2, 1, 5, 3]), padding=padding)
    np.testing.assert_array_equal(y[:, 0], expected)


def test_lecture_nine_pixels():
    nine, ones = image(LECTURE_NINE), filters(np.ones((2, 2)))
    np.testing.assert_array_equal(F.conv(nine, ones)[..., 0], [[12, 16], [24, 28]])
    same = F.conv(nine, filters(*(scale * np.ones((2, 2)) for scale in (1, 10, -1))), padding="SAME")
    expected = np.array([[12, 16, 9], [24, 28, 15], [15, 17, 9]])
    np.testing.assert_array_equal(np.moveaxis(same, -1, 0), [expected, 10 * expected, -expected])
    np.testing.assert_array_equal(F.conv(nine, filters([[2, 0], [0, 0]]))[..., 0], [[2, 4], [8, 10]])


def test_lecture_five_by_five():
    y = F.conv(image(LECTURE_FIVE), filters([[2, 3], [0, 1]], [[0.1, 0.2], [0.3, 0.4]]))
    np.testing.assert_array_equal(y[..., 0], [[10, 10, 6, 6], [12, 15, 13, 13], [7, 11, 16, 7], [10, 7, 4, 7]])
    expected = [[1.9, 2.2, 1.6, 2], [1.4, 2.2, 2.7, 1.7], [1.7, 1.3, 1.3, 1], [0.6, 1.4, 1.5, 1.4]]
    np.testing.assert_allclose(y[..., 1], expected, rtol=1e-6)


def test_lecture_first_cell():
    # 1·2 + 2·1 − 1·3 + 5·2 = 11
    assert F.conv(image([[2, 1], [3, 2]]), filters([[1, 2], [-1, 5]])).item() == 11


def test_lecture_line_filter():
    four = np.zeros((8, 8))
    four[1:4, [1, 5]], four[4, 1:7], four[5:7, 5] = 1, 1, 1
    lines = filters([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]])
    expected = [
        [1, 1, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, 0],
        [-1, -2, -3, -2, -2, -1],
        [3, 5, 6, 4, 4, 2],
        [-2, -3, -3, -2, -2, -1],
        [0, 0, 0, 1, 1, 1],
    ]
    np.testing.assert_array_equal(F.conv(image(four), lines)[..., 0], expected)


def test_padding_modes_by_hand():
    x, kernel = image([1, 2, 3]), filters([1, 0, 0])

    def shifted(mode):
        return F.conv(x, kernel, padding=[(2, 0)], padding_mode=mode)[:, 0]

    np.testing.assert_array_equal(shifted("zeros"), [0, 0, 1])
    np.testing.assert_array_equal(shifted("reflect"), [3, 2, 1])
    np.testing.assert_array_equal(shifted("replicate"), [1, 1, 1])
    np.testing.assert_array_equal(shifted("circular"), [2, 3, 1])
