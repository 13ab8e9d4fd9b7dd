"""Integers, sizes and flags: every spelling, every refusal."""

import numpy as np
import pytest

from jaxcnn import arguments, geometry


@pytest.mark.parametrize("sizes", [3, (3, 3), [3, 3], np.array([3, 3]), np.int64(3)])
def test_spellings_of_one_size(sizes):
    assert arguments.as_sizes("window", sizes, 2) == (3, 3)
    assert geometry.conv_output_shape((7, 7), sizes, strides=sizes) == (2, 2)


@pytest.mark.parametrize("value", [None, "3", 1.0, True, np.float32(2), np.bool_(True), [1]])
def test_not_an_integer(value):
    with pytest.raises(ValueError, match="strides must be an integer of at least 1, got"):
        arguments.as_int("strides", value, minimum=1)


def test_too_small_and_too_large():
    with pytest.raises(ValueError, match=r"groups must be an integer of at least 1, got 0$"):
        arguments.as_int("groups", 0, minimum=1)
    with pytest.raises(ValueError, match=r"strides must be below 2\*\*31, got 2147483648$"):
        arguments.as_sizes("strides", (1, 2**31), 2)


def test_flags():
    assert arguments.as_bool("ceil_mode", np.bool_(True)) is True
    with pytest.raises(ValueError, match="ceil_mode must be True or False, got 'no'"):
        arguments.as_bool("ceil_mode", "no")


def test_entries():
    assert arguments.entries(np.arange(2)) == (0, 1)
    assert [arguments.entries(value) for value in ("SAME", b"SAME", 3, np.int32(3), {1}, None)] == [None] * 6


def test_geometry_offers_them():
    names = ["Flag", "Int", "Padding", "Size", "as_bool", "as_int", "as_sizes", "entries"]
    assert all(getattr(geometry, name) is getattr(arguments, name) for name in names)


def test_values_are_shown_on_one_line_and_not_all_of_large_ones():
    assert arguments.shown("a\nb") == r"'a\nb'"
    assert arguments.shown(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert len(arguments.shown(list(range(1000)))) == 120


def test_maps_too_large_for_any_memory():
    arguments.refuse_huge("padding", (2**20, 2**19))
    with pytest.raises(
        ValueError, match=r"padding must leave a map of fewer than 2\*\*40 pixels; got \(1048576, 1048576\)"
    ):
        arguments.refuse_huge("padding", (2**20, 2**20))
