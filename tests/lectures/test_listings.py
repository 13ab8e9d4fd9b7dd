"""The slides' listings on small arrays: what they print, and where what is printed can't be."""

import ast

import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F

NINE = np.arange(1.0, 10, dtype=np.float32).reshape(1, 3, 3, 1)
SAME = np.array([[12, 16, 9], [24, 28, 15], [15, 17, 9]])
THREE_FILTERS = np.tile(np.array([1, 10, -1], np.float32), (2, 2, 1, 1))


def test_a_picture_gets_a_channel():
    image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.float32)
    assert image.shape == (3, 3)  # the slide prints (1, 3, 3)
    assert np.array([image]).shape == (1, 3, 3)
    np.testing.assert_array_equal(image.reshape(-1, 3, 3, 1), NINE)
    assert NINE.tolist() == [[[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]]]


def test_lengths_of_nested_lists():
    a = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    assert (len(a), len(a[0]), len(a[1]), len(a[0][0]), a.shape) == (2, 2, 2, 2, (2, 2, 2))


def test_swapaxes():
    two = np.array([[1, 2], [3, 4]])
    assert np.swapaxes(two, 0, 1).tolist() == two.T.tolist() == [[1, 3], [2, 4]]
    a = np.arange(27).reshape(1, 3, 3, 3)
    assert np.swapaxes(a, 0, 1).shape == (3, 1, 3, 3)
    turned = np.swapaxes(a, 1, 3)
    assert turned.shape == (1, 3, 3, 3)
    assert turned[0, :, :, 0].tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    np.testing.assert_array_equal(turned, jnp.swapaxes(a, 1, 3))


def test_one_filter_of_ones():
    ones = np.ones((2, 2, 1, 1), np.float32)
    valid, same = F.conv(NINE, ones), F.conv(NINE, ones, padding="SAME")
    assert (valid.shape, same.shape) == ((1, 2, 2, 1), (1, 3, 3, 1))
    assert np.swapaxes(valid, 0, 3).tolist() == [[[[12], [16]], [[24], [28]]]]
    np.testing.assert_array_equal(np.swapaxes(same, 0, 3).reshape(3, 3), SAME)


def test_three_filters():
    assert THREE_FILTERS.shape == (2, 2, 1, 3)
    y = F.conv(NINE, THREE_FILTERS, padding="SAME")
    assert y.shape == (1, 3, 3, 3)  # one slide prints (1, 3, 3, 1)
    maps = np.swapaxes(y, 0, 3)
    assert maps.shape == (3, 3, 3, 1)
    np.testing.assert_array_equal(maps[..., 0], [SAME, 10 * SAME, -SAME])


def test_brackets_decide_the_shape_of_a_weight():
    pair = [[1.0, 10.0, -1.0], [1.0, 10.0, -1.0]]
    as_printed = np.array([[pair, pair]], np.float32)
    assert as_printed.shape == (1, 2, 2, 3)  # not (2, 2, 1, 3)
    with pytest.raises(ValueError, match="channels"):
        F.conv(NINE, as_printed, padding="SAME")
    mended = np.array([[[row] for row in pair]] * 2, np.float32)
    np.testing.assert_array_equal(mended, THREE_FILTERS)


def test_ragged_weights_are_no_arrays():
    row = [[1.0, 10.0, -1.0]]
    for weight in ([[row, row], [row], row], [[row, row], [row] * 3], [[[[1.0]], [[1.0]]], [[1.0]], [[1.0]]]):
        with pytest.raises(ValueError, match="inhomogeneous"):
            np.array(weight)
    assert np.array([[[[1.0]], [[1.0]]], [[[1.0]], [[1.0]]]]).shape == (2, 2, 1, 1)


@pytest.mark.parametrize(
    "printed",
    ["[[[[4],[3]],[[2],[1]]]", "[[[2, 0.1]], [[3, 0.2]]], [[0, 0.3]], [[1, 0.4]]],]"],
    ids=["image", "kernel"],
)
def test_brackets_that_do_not_close(printed):
    with pytest.raises(SyntaxError):
        ast.parse(printed)


def test_five_filters_of_three_by_three():
    # One slide prints (2, 2, 1, 3) for a weight that gives five maps of 14×14.
    digit, weight = np.ones((1, 28, 28, 1), np.float32), np.zeros((3, 3, 1, 5), np.float32)
    y = F.conv(digit, weight, strides=2, padding="SAME")
    assert y.shape == (1, 14, 14, 5)
    assert F.max_pool(y, 2, padding="SAME").shape == (1, 7, 7, 5)


def test_two_filters_on_five_by_five():
    five = np.array([[2, 1, 2, 0, 1], [1, 3, 2, 2, 3], [1, 1, 3, 3, 0], [2, 2, 0, 1, 1], [0, 0, 3, 1, 2]], np.float32)
    kernel = np.array([[[[2, 0.1]], [[3, 0.2]]], [[[0, 0.3]], [[1, 0.4]]]], np.float32)
    assert kernel.shape == (2, 2, 1, 2)
    y = F.conv(five[None, ..., None], kernel)
    assert y.shape == (1, 4, 4, 2)
    # 1.3000001 and 1.4000001 are 1.3 and 1.4 to a unit in the last place of float32.
    for printed, exact in ((1.3000001, 1.3), (1.4000001, 1.4)):
        assert np.float32(printed) == np.nextafter(np.float32(exact), np.float32(2))
    expected = [[1.9, 2.2, 1.6, 2], [1.4, 2.2, 2.7, 1.7], [1.7, 1.3, 1.3, 1], [0.6, 1.4, 1.5, 1.4]]
    np.testing.assert_array_max_ulp(y[0, ..., 1], np.array(expected, np.float32), 2)


def test_pixels_of_three_channels():
    image = [
        [[1, 0, 1], [1, 1, 1], [1, 1, 1], [0, 0, 1], [0, 1, 0]],
        [[0, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]],
        [[0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 1], [0, 1, 0]],
        [[0, 1, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0]],
    ]
    channels = np.moveaxis(np.array([image]), -1, 0)[:, 0]
    assert ["/".join("".join(map(str, row)) for row in channel) for channel in channels.tolist()] == [
        "11100/01110/00111/00110/01100",
        "01101/01110/00110/00111/11100",
        "11110/11110/00011/01110/01100",
    ]
    for filters in (1, 2):
        kernel = np.zeros((3, 3, 3, filters), np.float32)
        assert F.conv(np.array([image], np.float32), kernel).shape == (1, 3, 3, filters)


def test_maximum_of_four_pixels():
    image = np.array([[[[4], [3]], [[2], [1]]]], np.float32)
    valid, same = F.max_pool(image, 2, strides=1), F.max_pool(image, 2, strides=1, padding="SAME")
    assert (valid.shape, valid.tolist()) == ((1, 1, 1, 1), [[[[4]]]])
    assert (same.shape, same.tolist()) == ((1, 2, 2, 1), [[[[4], [3]], [[2], [1]]]])


def test_stacked_batches_flatten_but_for_the_batch():
    maps = np.arange(2 * 14 * 14 * 10).reshape(2, 14, 14, 10)
    flat = maps.reshape(maps.shape[0], -1)
    assert flat.shape == (2, 1960)
    np.testing.assert_array_equal(flat[1], maps[1].ravel())


def test_zeros_are_float64_in_numpy_and_float32_in_jax():
    assert np.zeros(3).dtype == np.float64
    assert jnp.zeros(3).dtype == np.float32
