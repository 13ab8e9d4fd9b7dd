"""Numbers, products and sums in writing, short and long."""

import numpy as np

from jaxcnn.functional.explain_text import factor, number, product_lines, wrapped, written


def lines(window, taps=None, inputs=(0,), order=None):
    window = np.asarray(window, float)
    products = window if taps is None else window * taps
    return list(product_lines(window, taps, products, inputs, order))


def test_numbers():
    assert [number(v) for v in (3, -3, 2.0, 0.1, -0.0, 1 / 3)] == ["3", "-3", "2", "0.1", "0", "0.333333"]
    assert number(10**12) == "1000000000000"
    assert [factor(v) for v in (-1.5, 1.5, 1 - 2j)] == ["(-1.5)", "1.5", "(1-2j)"]


def test_signs_stand_between():
    assert lines([2, -3, 0]) == ["2 - 3 + 0 = -1"]
    assert lines([-2]) == ["-2"]
    assert lines([2], np.array([-3.0])) == ["2·(-3) = -6"]
    assert lines([]) == ["no pixel of x takes part: 0"]


def test_what_is_not_written_is_counted():
    (line,) = lines(np.ones(45), 2 * np.ones(45))
    assert line.count("1·2") == 40
    assert " + … and 5 more = 2 + 2" in line
    assert line.endswith(" + … and 5 more = 90")
    assert written(np.arange(43)).endswith("38, 39, … and 3 more")
    assert written(np.arange(40)).endswith("38, 39")


def test_channels_share_the_room():
    window = np.ones((3, 3, 7))
    text = lines(window, window, inputs=tuple(range(10, 17)))
    # Four channels of nine products each, four products of the fifth, and the others in one line.
    assert [line.split(":")[0] for line in text[:5]] == [f"input channel {c}" for c in range(10, 15)]
    assert sum(line.count("1·1") for line in text) == 40
    assert text[4].endswith("1 + 1 + 1 + 1 + … and 5 more = 9")
    assert text[5:] == ["… and 18 more products in 2 more channels, together 18", "all 7 channels: 63"]


def test_long_lines_continue():
    line = wrapped(" + ".join(["1·1"] * 40))
    first, *others = line.split("\n")
    assert len(first) <= 110
    assert others
    assert all(other.startswith("      1") for other in others)
