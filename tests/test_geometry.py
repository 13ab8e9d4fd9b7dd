"""Sizes by hand, by enumerating windows, and by PyTorch's formula; every spelling, every refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxcnn import geometry
from jaxcnn.geometry import conv_output_shape, pool_output_shape

QUICK = settings(max_examples=200)


@pytest.mark.parametrize(
    ("size", "window", "options", "cells"),
    [
        (7, 3, {}, 5),
        (7, 3, {"strides": 2}, 3),
        (5, 3, {"strides": 2, "padding": 1}, 3),
        (28, 3, {"strides": 2, "padding": "SAME"}, 14),
        (28, 3, {"padding": "SAME"}, 28),
        (4, 2, {}, 3),
        (8, 3, {}, 6),
        (9, 4, {"padding": "FULL"}, 12),
        (9, 4, {"padding": "CAUSAL", "kernel_dilation": 3}, 9),
        (4, 3, {"input_dilation": 2, "padding": [(2, 1)]}, 8),
    ],
)
def test_lecture_sizes(size, window, options, cells):
    assert conv_output_shape(size, window, **options) == (cells,)


def test_keras_summary():
    # 28×28 → 26×26 → 13×13 → 11×11 → 5×5 → 3×3
    sizes = [28]
    for window in (3, None, 3, None, 3):
        last = sizes[-1]
        sizes += conv_output_shape(last, window) if window else pool_output_shape(last, 2)
    assert sizes == [28, 26, 13, 11, 5, 3]


def torchs_pooling_output_shape(size, kernel, low, high, stride, dilation, ceil_mode):
    """ATen's pooling_output_shape_pad_lr, line by line."""
    cells = (size + low + high - dilation * (kernel - 1) - 1 + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (cells - 1) * stride >= size + low:
        cells -= 1
    return cells


def counted(padded, window, stride, dilation):
    """How many windows start at a multiple of the stride and end inside, one by one."""
    return sum(start + (window - 1) * dilation < padded for start in range(0, padded, stride))


small = st.integers(1, 7)
sizes = st.tuples(small, small, st.integers(1, 4), st.integers(1, 3))


@QUICK
@given(sizes, st.integers(1, 3), st.integers(0, 4), st.integers(0, 4))
def test_conv_sizes_by_counting(drawn, holes, low, high):
    size, window, stride, dilation = drawn
    cells = counted((size - 1) * holes + 1 + low + high, window, stride, dilation)
    options = {"strides": stride, "padding": [(low, high)], "input_dilation": holes, "kernel_dilation": dilation}
    if cells:
        assert conv_output_shape(size, window, **options) == (cells,)
    else:
        with pytest.raises(ValueError, match="window must fit into the padded input"):
            conv_output_shape(size, window, **options)


@QUICK
@given(sizes, st.integers(0, 4), st.integers(0, 4), st.booleans())
def test_pool_sizes_by_torchs_formula(drawn, low, high, ceil_mode):
    size, window, stride, dilation = drawn
    cells = torchs_pooling_output_shape(size, window, low, high, stride, dilation, ceil_mode)
    options = {"strides": stride, "padding": [(low, high)], "dilation": dilation, "ceil_mode": ceil_mode}
    if cells < 1:
        with pytest.raises(ValueError, match="window must fit into the padded input"):
            pool_output_shape(size, window, **options)
        return
    assert pool_output_shape(size, window, **options) == (cells,)
    windows = geometry.pool_windows(size, window, **options)
    # What reaches the machine is a floor-mode window on other pads, with the same cells.
    (reach,) = windows.reach
    assert reach[0] == low
    assert counted(size + sum(reach), window, stride, dilation) == cells
    taps = [[c * stride - low + t * dilation for t in range(window)] for c in range(cells)]
    for count_include_pad, first, last in ((False, 0, size), (True, -low, size + high)):
        inside = tuple(sum(first <= t < last for t in cell) for cell in taps)
        (counts,) = windows.taps_inside(count_include_pad=count_include_pad)
        assert counts == inside or (counts == inside[:1] and {*inside} == {window})


@QUICK
@given(sizes)
def test_words_as_lax(drawn):
    size, window, stride, dilation = drawn
    span = (window - 1) * dilation + 1
    for word in ("VALID", "SAME", "SAME_LOWER"):
        (pair,) = lax.padtype_to_pads((size,), (span,), (stride,), word)
        arguments = {"strides": (stride,), "dilation": (dilation,)}
        assert geometry.padding_pairs(word.lower(), (size,), (window,), **arguments) == (pair,)


@pytest.mark.parametrize(
    "padding", [1, (1, 1), [1, 1], np.int32(1), np.array([1, 1]), [(1, 1), [1, 1]], np.ones((2, 2), int)]
)
def test_spellings_of_one_padding(padding):
    pairs = geometry.padding_pairs(padding, (5, 5), (3, 3), strides=(1, 1), dilation=(1, 1))
    assert pairs == ((1, 1), (1, 1))
    assert all(type(pad) is int for pair in pairs for pad in pair)


def test_words_by_hand():
    def pads(word, **options):
        return geometry.padding_pairs(word, (5, 6), (4, 3), **({"strides": (1, 2), "dilation": (1, 2)} | options))

    assert pads("VALID") == ((0, 0), (0, 0))
    assert pads("Same") == ((1, 2), (1, 2))
    assert pads("same_lower") == ((2, 1), (2, 1))
    assert pads("FULL") == ((3, 3), (4, 4))
    assert geometry.padding_pairs("causal", (5,), (3,), strides=(1,), dilation=(2,)) == ((4, 0),)
    # A stride above the window can leave SAME without any padding.
    assert geometry.padding_pairs("SAME", (5,), (1,), strides=(3,), dilation=(1,)) == ((0, 0),)


def test_strides_default_to_the_window():
    assert pool_output_shape((7, 9), (2, 3)) == (3, 3)
    assert pool_output_shape((7, 9), (2, 3), strides=1) == (6, 7)


SIZES = "must be an integer >= 1 or 2 of them, one a spatial dimension; got"
FITS = "window must fit into the padded input, got a window of"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_shape((7, 7), 0), f"window {SIZES} 0"),
        (lambda: conv_output_shape((7, 7), (3, 3, 3)), f"window {SIZES} (3, 3, 3), which has 3"),
        (lambda: conv_output_shape((7, 7), {3}), f"window {SIZES} {{3}}"),
        (lambda: conv_output_shape((7, 7), 3, strides=-1), f"strides {SIZES} -1"),
        (lambda: conv_output_shape((7, 7), 3, kernel_dilation=(1, 0.5)), f"kernel_dilation {SIZES} (1, 0.5)"),
        (lambda: conv_output_shape((7, 7), 3, input_dilation=False), f"input_dilation {SIZES} False"),
        (lambda: conv_output_shape((7, 0), 3), f"spatial {SIZES} (7, 0)"),
        (lambda: conv_output_shape(7, 3, strides=2**31), "strides must be below 2**31, got 2147483648"),
        (
            lambda: conv_output_shape((7, 7), 3, padding="HALF"),
            "padding must be one of VALID, SAME, SAME_LOWER, FULL, an integer >= 0, 2 of them (symmetric), or 2 "
            "(low, high) pairs; got 'HALF' for 2-D",
        ),
        (
            lambda: conv_output_shape(7, 3, padding=(1, 2)),
            "padding must be one of VALID, SAME, SAME_LOWER, FULL, CAUSAL, an integer >= 0, 1 of them (symmetric), or "
            "[(low, high)]; got (1, 2)",
        ),
        (
            lambda: conv_output_shape(7, 3, padding="FULL", input_dilation=2),
            "padding must be VALID, integers or pairs when input_dilation is above 1; got 'FULL' with "
            "input_dilation=(2,)",
        ),
        (
            lambda: conv_output_shape((7, 4), 5, padding=[(1, 1), (0, 0)]),
            f"{FITS} 5 (it spans 5) in spatial dimension 1, where the input of 4 with padding (0, 0) has 4; use a "
            "smaller window or dilation, or more padding",
        ),
        (
            lambda: pool_output_shape(7, 4, padding=1, dilation=3),
            f"{FITS} 4 with dilation 3 (it spans 10) in spatial dimension 0, where the input of 7 with padding (1, 1) "
            "has 9; use a smaller window or dilation, or more padding",
        ),
        (lambda: pool_output_shape((7, 7), 2, dilation=0), f"dilation {SIZES} 0"),
        (lambda: pool_output_shape((7, 7), 2, ceil_mode="yes"), "ceil_mode must be True or False, got 'yes'"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole below
        call()
    assert str(caught.value) == message


def test_explain_padding_reads_the_options_as_the_others_do():
    text = geometry.explain_padding((8, 4), (2, 4), strides=3, padding="same")
    assert "dimension 0: 8 pixels, window 2, stride 3, dilation 1 -> 3 cells\n  padding SAME: 0 before, 0 after" in text
    assert "dimension 1: 4 pixels, window 4, stride 3, dilation 1 -> 2 cells\n  padding SAME: 1 before, 2 after" in text
    with pytest.raises(ValueError, match="window must fit into the padded input"):
        geometry.explain_padding(4, 5)


def test_a_long_signals_cells_are_not_looked_at_one_by_one(monkeypatch):
    looked_at, inside = [], geometry.PoolWindows.inside
    monkeypatch.setattr(
        geometry.PoolWindows, "inside", lambda self, *where: looked_at.append(where) or inside(self, *where)
    )
    even = geometry.pool_windows(2**30, 2, strides=1, padding="VALID", dilation=1, ceil_mode=False)
    assert even.taps_inside() == ((2,),)
    windows = geometry.pool_windows(10**5, 5, strides=1, padding=2, dilation=1, ceil_mode=False)
    assert windows.taps_inside() == ((3, 4, *(5,) * (10**5 - 4), 4, 3),)
    assert len(looked_at) == 4
