"""What one neuron, one window and one filter compute in the slides, by hand and by F.conv."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

import jaxcnn.functional as F
from jaxcnn.geometry import conv_output_shape

# The slides' 4×4 image, as its first table has it.
IMAGE = np.array([[3, 1, 0, 1], [6, 4, 8, 2], [4, 5, 1, 1], [3, 2, 5, 8]], np.float32)
SIGNAL, WEIGHTS = np.array([2, 8, 3, 7, 1, 2, 0, 4, 5]), np.array([2, 1, 5, 3])
VERTICAL, HORIZONTAL = np.zeros((2, 3, 3), np.float32)
VERTICAL[1, :2] = HORIZONTAL[:2, 1] = -1, 1
# The digits of the first figure of the second file, as large as a seven-segment display.
DIGITS = {9: ("###", "#.#", "###", "..#", "###"), 8: ("###", "#.#", "###", "#.#", "###")} | {
    6: ("###", "#..", "###", "#.#", "###"),
    0: ("###", "#.#", "#.#", "#.#", "###"),
}


def taps(kernel):
    return np.array(kernel, np.float32)[..., None, None]


def terms(window):
    """Which weight multiplies which pixel: a cell of F.conv for each weight alone."""
    return [F.conv(window[..., None], taps(weight)).item() for weight in np.eye(window.size).reshape(-1, *window.shape)]


def test_a_neuron_is_a_weighted_sum_and_a_bias():
    weights, bias = np.array([0.5, -2.0, 3.0], np.float32), np.float32(0.25)
    for features in ([3, 1, 0], [1, 0, 7]):
        expected = features[0] * 0.5 - features[1] * 2 + features[2] * 3 + 0.25
        x = np.array(features, np.float32)[:, None]
        assert F.conv(x, weights[:, None, None], bias[None]).item() == expected


def test_the_first_row_gives_two_windows_of_three():
    # 3 1 0 7 has the windows 3 1 0 and 1 0 7, which the slide writes out; the 4×4 table prints 1 for the 7.
    windows = F.extract_patches(np.array([3, 1, 0, 7], np.float32)[:, None], (3,))
    assert windows.tolist() == [[3, 1, 0], [1, 0, 7]]
    assert IMAGE[0].tolist() == [3, 1, 0, 1]


def test_nine_weights_meet_nine_pixels():
    assert terms(IMAGE[:3, :3]) == [3, 1, 0, 6, 4, 8, 4, 5, 1]


def test_the_window_goes_right_then_down():
    windows = F.extract_patches(IMAGE[..., None], (3, 3))
    starts = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for window, (i, j) in zip(windows.reshape(4, 9), starts, strict=True):
        np.testing.assert_array_equal(window, IMAGE[i : i + 3, j : j + 3].ravel())


def test_the_stride_is_how_far_the_window_slides():
    windows = F.extract_patches(SIGNAL[:, None], (4,), strides=2)
    assert windows.tolist() == [[2, 8, 3, 7], [3, 7, 1, 2], [1, 2, 0, 4]]


def test_three_channels_and_several_filters():
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(-3, 4, (4, 4, 3)), rng.integers(-3, 4, (3, 3, 3, 5))
    y = F.conv(x, kernel)
    assert y.shape == (2, 2, 5)
    by_hand = [[[(x[i : i + 3, j : j + 3] * kernel[..., k]).sum() for k in range(5)] for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_array_equal(y, by_hand)
    # Each channel apart, then summed.
    apart = sum(scipy.signal.correlate(x[..., c], kernel[..., c, 0], mode="valid") for c in range(3))
    np.testing.assert_array_equal(y[..., 0], apart)


def test_a_window_as_deep_as_the_image_moves_in_two_dimensions():
    rng = np.random.default_rng(1)
    x, kernel = rng.integers(-3, 4, (4, 4, 3)), rng.integers(-3, 4, (3, 3, 3, 1))
    deep = F.conv(x[..., None], kernel[..., None, :])
    assert deep.shape == (2, 2, 1, 1)
    np.testing.assert_array_equal(deep[:, :, 0], F.conv(x, kernel))


def test_the_first_cell_of_an_eight_by_eight_image():
    x = np.arange(1, 65, dtype=np.float32).reshape(8, 8)
    assert terms(x[:3, :3]) == [1, 2, 3, 9, 10, 11, 17, 18, 19]
    assert conv_output_shape((8, 8), 3) == (6, 6)


def test_a_table_of_nine_columns_gives_seven():
    assert conv_output_shape((8, 9), 3) == (6, 7)


@pytest.mark.parametrize(("digit", "loops"), [(9, (1, 1, 0)), (8, (2, 1, 1)), (6, (1, 0, 1)), (0, (1, 0, 0))])
def test_where_the_digits_have_their_loops(digit, loops):
    ink = np.array([[pixel == "#" for pixel in row] for row in DIGITS[digit]])
    holes = scipy.ndimage.label(~np.pad(ink, 1))[1] - 1  # the outside is one component
    ring = np.ones((3, 3), np.int32)
    ring[1, 1] = -8  # 8 where a ring is whole and empty
    found = F.correlate(ink.astype(np.int32), ring, mode="valid")[:, 0] == 8
    assert (holes, int(found[0]), int(found[-1])) == loops


def test_the_largest_value_is_where_the_pattern_is():
    pattern = np.array([[-1, 1, -1], [1, 1, 1], [-1, 1, -1]])
    image = np.random.default_rng(2).choice([-1, 1], (10, 12))
    image[6:9, 4:7] = pattern
    found = F.correlate(image, pattern, mode="valid")
    assert np.unravel_index(found.argmax(), found.shape) == (6, 4)
    assert found.max() == 9
    # Only among windows of equal energy: a brighter window of another pattern gives more.
    image[:3, :3] = 20 * np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    found = F.correlate(image, pattern, mode="valid")
    assert np.unravel_index(found.argmax(), found.shape) == (0, 0)


def test_convolution_flips_and_cnns_do_not():
    np.testing.assert_array_equal(np.flip(WEIGHTS), [3, 5, 1, 2])
    flipped = [np.dot(SIGNAL[i : i + 4], np.flip(WEIGHTS)) for i in range(6)]
    assert flipped == [63, 48, 49, 28, 21, 20]
    assert F.convolve(SIGNAL, WEIGHTS, mode="valid").tolist() == flipped
    ours = F.conv(SIGNAL[:, None], WEIGHTS[:, None, None])[:, 0].tolist()
    assert ours == scipy.signal.correlate(SIGNAL, WEIGHTS, mode="valid").tolist() == [48, 57, 24, 25, 16, 39]


def test_the_windows_of_the_signal():
    windows = F.extract_patches(SIGNAL[:, None], (4,))
    expected = [[2, 8, 3, 7], [8, 3, 7, 1], [3, 7, 1, 2], [7, 1, 2, 0], [1, 2, 0, 4], [2, 0, 4, 5]]
    assert windows.tolist() == expected
    assert (windows @ np.flip(WEIGHTS)).tolist() == [63, 48, 49, 28, 21, 20]


def test_four_of_a_plus_and_a_cross():
    red = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
    y = F.correlate(np.array(red), np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), mode="valid")
    assert y.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_edge_masks():
    step = np.zeros((5, 6))
    step[:, 3:] = 1
    upright = F.correlate(step, VERTICAL, mode="valid")
    assert np.abs(upright).sum(0).tolist() == [0, 0, 3, 0]
    assert not F.correlate(step, HORIZONTAL, mode="valid").any()
    np.testing.assert_array_equal(F.correlate(step.T, HORIZONTAL, mode="valid"), upright.T)


def test_sums_that_the_slides_write_out():
    five = np.array([[2, 1], [1, 3], [2, 2], [0, 0]])
    assert 1 * 2 + 2 * 1 - 1 * 3 + 5 * 2 == 11
    assert (five[:2] * [[2, 3], [0, 1]]).sum() == 10
    assert (five[2:] * [[0.1, 0.2], [0.3, 0.4]]).sum() == pytest.approx(0.6)


def test_every_patch_gets_the_same_transformation():
    rng = np.random.default_rng(3)
    x, kernel = rng.standard_normal((5, 5, 2)).astype(np.float32), rng.standard_normal((3, 3, 2, 4)).astype(np.float32)
    patches = F.extract_patches(x, (3, 3))
    np.testing.assert_allclose(patches @ kernel.reshape(-1, 4), F.conv(x, kernel), rtol=1e-4, atol=1e-5)


def test_a_cell_sees_its_window_and_a_dense_neuron_sees_all():
    # An image for each pixel, which alone is 1.
    lone = np.eye(36, dtype=np.float32).reshape(36, 6, 6, 1)
    seen = np.asarray(F.conv(lone, np.ones((3, 3, 1, 1), np.float32)))[:, 1, 2, 0].reshape(6, 6)
    assert np.argwhere(seen).tolist() == [[i, j] for i in (1, 2, 3) for j in (2, 3, 4)]
    # A dense neuron is a window as large as the image.
    assert conv_output_shape((6, 6), 6) == (1, 1)
