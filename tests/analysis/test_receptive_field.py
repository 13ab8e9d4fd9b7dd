from dataclasses import replace
from fractions import Fraction

import pytest

from jaxcnn.analysis.receptive_field import (
    Span,
    Walk,
    consumed,
    each,
    moved,
    reversed_along,
    source,
    span_union,
    union,
    unknown,
    window,
)

LENGTH = 28


@pytest.fixture
def pixels():
    (span,) = source((LENGTH,))
    return span


def geometry(span):
    """Start, size and the only walk's jump: the numbers of the literature."""
    (walk,) = span.walks
    return span.start, span.size, walk.step


class TestWindow:
    def test_follows_the_recurrence(self, pixels):
        # Araujo et al.: r += (k − 1) j, start −= p j, j *= s, for kernel 3 stride 2 padding 1, then kernel 5 stride 3.
        first = window(pixels, 0, 3, stride=2, pad_low=1, count=14)
        second = window(first, 0, 5, stride=3, count=4)
        assert geometry(first) == (-1, 3, 2)
        assert geometry(second) == (-1, 3 + 4 * 2, 6)

    def test_widens_by_the_dilation(self, pixels):
        assert geometry(window(pixels, 0, 3, dilation=4, count=20)) == (0, 9, 1)

    def test_leaves_other_axes_alone(self, pixels):
        assert window(pixels, 1, 3, count=5) == pixels

    def test_sees_fewer_pixels_in_a_dilated_input(self, pixels):
        # of four taps on every second position, two meet pixels, which are neighbours
        assert geometry(window(pixels, 0, 4, input_dilation=2, count=52)) == (0, 2, Fraction(1, 2))

    def test_neighbours_on_one_pixel_widen_by_whole_pixels(self, pixels):
        doubled = window(window(pixels, 0, 3, stride=4, count=7), 0, 1, input_dilation=2, count=13)
        assert window(doubled, 0, 2, count=12).size == 3 + 4

    def test_is_unknown_where_an_index_means_more_than_one_thing(self, pixels):
        flat = replace(pixels, walks=(replace(pixels.walks[0], regular=False),))
        assert window(flat, 0, 3, count=26) is None


class TestConsumed:
    def test_covers_what_all_cells_see(self, pixels):
        # convnet's last 3×3 map: cells see 18 pixels each, 4 apart, so together 26 of the 28
        cells = Span(LENGTH, Fraction(0), Fraction(18), (Walk(0, Fraction(4), 3, Fraction(4)),))
        assert consumed(cells, 0) == Span(LENGTH, Fraction(0), Fraction(26), ())

    def test_is_clipped_to_the_input(self, pixels):
        padded = window(pixels, 0, 5, pad_low=2, count=LENGTH)
        assert (consumed(padded, 0).start, consumed(padded, 0).size) == (0, LENGTH)

    def test_is_not_clipped_while_it_still_walks(self, pixels):
        wide = window(pixels, 0, 99, pad_low=49, count=LENGTH)
        assert consumed(wide, 3).size == 99


class TestMoved:
    def test_renumbers_axes_and_takes_in_the_others(self, pixels):
        assert moved(pixels, {0: 2}).walks[0].axis == 2
        assert moved(pixels, {1: 0}) == Span(LENGTH, Fraction(0), Fraction(LENGTH), ())


class TestUnion:
    def test_takes_the_wider_of_two_that_walk_together(self, pixels):
        narrow, wide = window(pixels, 0, 3, count=22), window(pixels, 0, 7, count=22)
        assert span_union(narrow, wide) == wide

    def test_covers_the_gap_between_two(self, pixels):
        late = window(pixels, 0, pad_low=-6, count=22)
        early = window(pixels, 0, count=22)
        assert geometry(span_union(early, late)) == (0, 7, 1)

    def test_a_shift_of_less_than_the_grid_is_at_best_a_whole_step_of_it(self, pixels):
        wide = replace(pixels, size=Fraction(7), walks=(Walk(0, Fraction(1), 20, Fraction(3)),))
        shifted = replace(wide, start=Fraction(2))
        assert geometry(span_union(wide, shifted)) == geometry(span_union(shifted, wide)) == (0, 10, 1)
        # One that lies within the other anyhow adds nothing.
        assert span_union(replace(wide, size=Fraction(10)), shifted).size == 10

    def test_covers_all_of_two_that_walk_apart(self, pixels):
        assert span_union(window(pixels, 0, stride=2, count=14), window(pixels, 0, count=14)).size == 27

    def test_nothing_adds_nothing_and_unknown_stays_unknown(self, pixels):
        assert union(None, (pixels,)) == (pixels,)
        assert union((None,), (pixels,)) == (None,)


def test_reversing_walks_back_from_the_end(pixels):
    back = window(reversed_along(pixels, 0), 0, 3, stride=2, count=13)
    assert geometry(back) == (LENGTH - 3, 3, -2)


def test_unknown_and_each_keep_what_does_not_depend_on_the_input(pixels):
    assert unknown(None) is None
    assert unknown((pixels,)) == (None,)
    assert each((pixels, None), lambda span: span) == (pixels, None)
