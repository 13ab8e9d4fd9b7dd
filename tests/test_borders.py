"""The words of explain_padding: by hand, and its numbers against windows and transposed convolutions counted out."""

import itertools
import re

import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import geometry
from jaxcnn.borders import Axis
from jaxcnn.geometry import explain_padding


def test_explain_same():
    assert explain_padding(28, 3, strides=2, padding="SAME") == (
        "dimension 0: 28 pixels, window 3, stride 2, dilation 1 -> 14 cells\n"
        "  padding SAME: 0 before, 1 after\n"
        "  28 of 28 pixels are covered, 0 dropped\n"
        "  neighbouring windows share 1 pixels; a pixel lies in 1 to 2 windows\n"
        "  TF and Keras pad 0 before and 1 after: 14 cells, the first at pixels 0, 1, 2; a symmetric padding=1 "
        "(PyTorch's habit) looks 1 earlier: 14 cells, the first at pixels -1, 0, 1\n"
        "  transposed, a pixel away from the borders gets 1 or 2 taps in the repeating pattern 2, 1: uneven, a "
        "checkerboard (Odena, Dumoulin and Olah, 2016); cure: a window divisible by the stride, such as 2 or 4, or "
        "resize, then convolve"
    )


def test_explain_dropped_pixels():
    assert explain_padding((8, 4), (2, 4), strides=(3, 2)) == (
        "dimension 0: 8 pixels, window 2, stride 3, dilation 1 -> 3 cells\n"
        "  padding VALID: 0 before, 0 after\n"
        "  6 of 8 pixels are covered, 2 dropped (positions 2, 5)\n"
        "  neighbouring windows share no pixels; a pixel lies in 0 to 1 windows\n"
        "  transposed, a pixel away from the borders gets 0 or 1 taps in the repeating pattern 1, 1, 0: uneven, a "
        "checkerboard (Odena, Dumoulin and Olah, 2016); cure: a window divisible by the stride, such as 3, or "
        "resize, then convolve\n"
        "dimension 1: 4 pixels, window 4, stride 2, dilation 1 -> 1 cells\n"
        "  padding VALID: 0 before, 0 after\n"
        "  4 of 4 pixels are covered, 0 dropped\n"
        "  neighbouring windows share 2 pixels; a pixel lies in 1 to 1 windows\n"
        "  transposed, every pixel away from the borders gets 2 taps: even, no checkerboard\n"
        "all dimensions together: transposed, a pixel gets 0 to 2 taps (the dimensions multiply)"
    )


@pytest.mark.parametrize(("stride", "dilation"), [*itertools.product((1, 2, 3, 4), (1, 2, 3))])
def test_explain_what_neighbours_share(stride, dilation):
    shared = len({t * dilation for t in range(3)} & {stride + t * dilation for t in range(3)})
    text = explain_padding(20, 3, strides=stride, dilation=dilation)
    assert f"neighbouring windows share {shared or 'no'} pixels;" in text


def test_explain_other_paddings():
    lower = explain_padding(5, 2, padding="same_lower")
    assert "padding SAME_LOWER: 1 before, 0 after" in lower
    assert "TF and Keras pad the other way round, 0 before and 1 after: 5 cells, the first at pixels 0, 1;" in lower
    assert "padding=1 (PyTorch's habit) looks 1 earlier: 6 cells, the first at pixels -1, 0\n" in lower
    numbers = explain_padding(5, 2, padding=[(2, 0)])
    assert "padding 2 before, 0 after" in numbers
    assert "TF" not in numbers
    assert "TF, Keras and a symmetric padding=2 (PyTorch's habit) agree here" in explain_padding(9, 5, padding="SAME")
    assert "0 of 1 pixels are covered, 1 dropped" in explain_padding(1, 2, padding="SAME", dilation=2)
    assert "95 dropped\n" in explain_padding(100, 1, strides=20)
    assert "the first at pixels -4, -3, …, 5;" in explain_padding(9, 10, padding="SAME")


def test_the_symmetric_padding_is_what_pytorch_would_give():
    x, kernel = np.arange(1.0, 29, dtype=np.float32)[:, None], np.eye(3, dtype=np.float32)[:1].reshape(3, 1, 1)
    same, symmetric = (F.conv(x, kernel, strides=2, padding=padding)[:, 0] for padding in ("SAME", 1))
    # The kernel picks each window's first pixel: 0 (of value 1) with SAME, −1 (padding) with 1 on both sides.
    assert (same.shape, symmetric.shape) == ((14,), (14,))
    assert (same[0], symmetric[0], symmetric[1]) == (1, 0, 2)


@pytest.mark.parametrize(
    ("window", "stride", "dilation"), [(3, 2, 1), (4, 2, 1), (5, 3, 2), (3, 4, 2), (4, 2, 2), (2, 3, 1), (3, 1, 2)]
)
@pytest.mark.parametrize("low", [0, 2])
def test_the_pattern_is_that_of_a_transposed_convolution(window, stride, dilation, low):
    cells = 8
    span = (window - 1) * dilation + 1
    options = {"strides": stride, "padding": [(low, 0)]}
    ones = F.conv_transpose(jnp.ones((cells, 1)), jnp.ones((window, 1, 1)), kernel_dilation=dilation, **options)[:, 0]
    # Pixels that no window would reach beyond either end: the borders lie a span away.
    start = -(-span // stride) * stride
    inside = [int(count) for count in ones[start : start + stride]]
    text = explain_padding(ones.size, window, dilation=dilation, **options)
    if len(set(inside)) == 1:
        assert f"gets {inside[0]} taps: even, no checkerboard" in text
    else:
        assert f"in the repeating pattern {', '.join(map(str, inside))}: uneven, a checkerboard" in text
        shares = "a dilation that shares no factor with the stride"
        assert (shares in text) == (dilation == 2 and stride % 2 == 0)
    counts = [int(count) for count in ones]
    assert f"a pixel lies in {min(counts)} to {max(counts)} windows" in text


@pytest.mark.parametrize(("window", "stride"), [(3, 2), (5, 3), (1, 4)])
def test_the_cure_cures(window, stride):
    text = explain_padding(40, window, strides=stride)
    (windows,) = re.findall(r"such as ([\d or]+),", text)
    for better in map(int, windows.split(" or ")):
        assert "no checkerboard" in explain_padding(40, better, strides=stride)


def test_long_patterns_are_counted_not_cut():
    text = explain_padding(40, 13, strides=10, padding=[(3, 1)])
    # From the fourth position of a window on: seven pixels in one window each, then the three that two windows share.
    assert "repeating pattern 7 × 1, 3 × 2: uneven" in text
    scattered = explain_padding(40, 5, strides=20, dilation=3)
    assert "gets 0 or 1 taps in a pattern that repeats every 20 pixels: uneven" in scattered
    assert geometry.explain_padding((9, 9), 3, strides=2).endswith("a pixel gets 1 to 4 taps (the dimensions multiply)")


@pytest.mark.parametrize("size", [5, 12, 13])
@pytest.mark.parametrize(("window", "stride", "dilation"), [*itertools.product((1, 2, 5), (1, 2, 7), (1, 2, 3))])
def test_windows_of_a_pixel_one_by_one(size, window, stride, dilation):
    span = (window - 1) * dilation + 1
    cells = (size + 4 + 5 - span) // stride + 1
    axis = Axis(size, window, stride, dilation, (4, 5), span, cells)
    counts = np.zeros(size, int)
    for cell in range(cells):
        counts[[pixel for pixel in axis.seen(cell) if 0 <= pixel < size]] += 1
    np.testing.assert_array_equal(axis.windows_of(), counts)


def test_large_sizes():
    text = explain_padding(2**22, 2**21, strides=2**20 + 1, padding=2**20, dilation=2)
    # The first window sees the even pixels up to 3 · 2^20, the second the odd ones.
    assert f"{3 * 2**19 + 2**21} of 4194304 pixels are covered" in text
    assert "a window divisible by the stride, such as 1048577 or 2097154, or" in text
    assert "first at pixels -1048575, -1048574, …, 1048576; a" in explain_padding(2**22, 2**21, padding="SAME_LOWER")
    for options in ({"padding": 2**30}, {"strides": 2**30}):
        with pytest.raises(ValueError, match="must leave a map of fewer than 2\\*\\*24 pixels"):
            explain_padding(5, 3, **options)
    assert "-> 5 cells" in explain_padding(5, 1, dilation=2**30)


def test_axis_by_hand():
    axis = Axis(size=5, window=2, stride=2, dilation=2, pad=(1, 0), span=3, cells=2)
    assert [list(axis.seen(cell)) for cell in range(2)] == [[-1, 1], [1, 3]]
    assert axis.windows_of().tolist() == [0, 2, 0, 1, 0]
    assert axis.pattern() == [0, 2]
