"""What the slides say of padding and stride: how often a pixel counts, and sizes."""

import jax
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn
from jaxcnn.geometry import conv_output_shape, padding_pairs

ONES = {"strides": (1,), "dilation": (1,)}


def participation(size, window, padding, strides=1):
    """How many windows each pixel lies in, along one dimension."""
    ((low, _),) = padding_pairs(padding, (size,), (window,), strides=(strides,), dilation=(1,))
    (cells,) = conv_output_shape(size, window, strides=strides, padding=padding)
    return [sum(0 <= p + low - c * strides < window for c in range(cells)) for p in range(size)]


def test_how_often_an_element_takes_part():
    assert participation(9, 4, "VALID") == [1, 2, 3, 4, 4, 4, 3, 2, 1]
    assert participation(9, 4, "FULL") == [4] * 9
    assert participation(9, 4, "SAME_LOWER") == [3, 4, 4, 4, 4, 4, 4, 3, 2]


def test_sizes_of_the_signals_three_paddings():
    sizes = [conv_output_shape(9, 4, padding=word) for word in ("VALID", "FULL", "SAME")]
    assert sizes == [(6,), (12,), (9,)]


def test_a_padded_four_by_four_gives_sixteen_windows():
    assert padding_pairs("SAME", (4,), (3,), **ONES) == ((1, 1),)
    assert conv_output_shape((4, 4), 3, padding="SAME") == (4, 4)


def test_what_padding_is_for():
    # Without it a corner lies in one window of four and the middle in all; with it in four and nine of sixteen.
    bare, padded = (np.multiply.outer(*[participation(4, 3, word)] * 2) for word in ("VALID", "SAME"))
    assert (bare[0, 0], bare[1, 1], bare.sum()) == (1, 4, 4 * 9)
    assert (padded[0, 0], padded[1, 1]) == (4, 9)


def test_a_two_by_two_output_needs_stride_two():
    assert conv_output_shape((4, 4), 3, strides=1, padding="SAME") == (4, 4)
    assert conv_output_shape((4, 4), 3, strides=2, padding="SAME") == (2, 2)


def test_same_with_stride_two_pads_the_end_alone():
    # The figures pad 1 all round, which has as many cells but other windows.
    for size, cells in ((4, 2), (28, 14)):
        assert padding_pairs("SAME", (size,), (3,), strides=(2,), dilation=(1,)) == ((0, 1),)
        for padding in ("SAME", 1):
            assert conv_output_shape(size, 3, strides=2, padding=padding) == (cells,)
    x, kernel = np.arange(1.0, 5, dtype=np.float32)[:, None], np.ones((3, 1, 1), np.float32)
    assert F.conv(x, kernel, strides=2, padding="SAME").tolist() == [[6], [7]]
    assert F.conv(x, kernel, strides=2, padding=1).tolist() == [[3], [9]]


def test_padding_all_round_leaves_half_a_step():
    # (30 − 3)/2 + 1 = 14.5: the last row is never seen; SAME has (29 − 3)/2 + 1 = 14 exactly.
    assert divmod(30 - 3, 2) == (13, 1)
    assert divmod(29 - 3, 2) == (13, 0)


def test_a_stride_is_not_subtracted():
    # (4 − 2)/1 + 1 = 3, which 4 − 1 gives too; a window of 3, or a stride of 2, shows the difference.
    assert conv_output_shape(4, 2) == (3,)
    assert conv_output_shape(4, 3) == (2,)
    assert conv_output_shape(4, 3, strides=2) == (1,)


def test_half_a_window_keeps_the_size():
    for window in (1, 3, 5, 7):
        assert conv_output_shape(9, window, padding=window // 2) == (9,)
    assert conv_output_shape(9, 2, padding=2 // 2) == (10,)


@pytest.mark.parametrize(("stride", "cells"), [(1, 28), (2, 14), (3, 10)])
def test_same_keeps_the_size_at_stride_one_alone(stride, cells):
    assert conv_output_shape(28, 3, strides=stride, padding="SAME") == (cells,)


def test_words_in_any_case():
    assert conv_output_shape(28, 3, padding="same") == conv_output_shape(28, 3, padding="SAME")


def test_a_filter_and_the_stride_shrink_the_map():
    assert conv_output_shape((28, 28), 3) == (26, 26)
    assert conv_output_shape((28, 28), 3, strides=2) == (13, 13)


def test_the_output_size_of_the_slides():
    for size, window, stride in ((7, 3, 1), (7, 3, 2), (32, 5, 1), (6, 3, 1), (5, 2, 1), (8, 3, 1)):
        assert conv_output_shape(size, window, strides=stride) == ((size - window) // stride + 1,)


def test_zero_padding_of_two_dimensional_same_is_below_and_right():
    image, rng = np.arange(1, 10).reshape(3, 3), np.random.default_rng(0)
    kernel = rng.integers(-5, 6, (2, 2))
    padded = np.pad(image, [(0, 1), (0, 1)])
    by_hand = [[(padded[i : i + 2, j : j + 2] * kernel).sum() for j in range(3)] for i in range(3)]
    assert padded[:, 3].tolist() == padded[3].tolist() == [0] * 4
    np.testing.assert_array_equal(F.correlate(image, kernel, mode="same"), by_hand)


def test_layers_take_both_layouts():
    for layout, x, y in (("channels_first", (1, 2, 5, 4), (1, 3, 3, 2)), ("channels_last", (1, 5, 4, 2), (1, 3, 2, 3))):

        def layer(x, layout=layout):
            return nn.Conv(2, 3, 3, data_format=layout, rngs=nnx.Rngs(0))(x)

        assert jax.eval_shape(layer, jax.ShapeDtypeStruct(x, np.float32)).shape == y


def test_height_goes_before_width():
    # An image of 2 rows and 3 columns under a window of 1 row and 2 columns.
    assert F.conv(np.zeros((1, 2, 3, 1), np.float32), np.zeros((1, 2, 1, 1), np.float32)).shape == (1, 2, 2, 1)
    assert nnx.eval_shape(lambda: nn.Conv(1, 1, (1, 2), rngs=nnx.Rngs(0))).kernel.shape == (1, 2, 1, 1)


def test_strides_and_dilation_go_together_here():
    # Keras refuses the pair.
    x = np.arange(9, dtype=np.float32)[:, None]
    y = F.conv(x, np.ones((2, 1, 1), np.float32), strides=2, kernel_dilation=3)
    assert y[:, 0].tolist() == [3, 7, 11]
