import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.visualization.spread import Mark, shifts

ROOM = (0.0, 400.0)


def test_marks_far_apart_stay():
    assert shifts([Mark(100.0, 50.0, 50.0), Mark(111.0, 50.0, 50.0), Mark(100.0, 61.0, 61.0)], 5.0, ROOM) == [0, 0, 0]


def test_marks_at_one_place_stand_side_by_side_in_order_around_it():
    assert shifts([Mark(100.0, 50.0, 50.0)] * 3, 5.0, ROOM) == pytest.approx([-10, 0, 10])


def test_error_bars_count_as_part_of_a_mark():
    assert shifts([Mark(100.0, 0.0, 60.0), Mark(100.0, 65.0, 90.0)], 5.0, ROOM) == pytest.approx([-5, 5])


def test_a_neighbour_that_the_first_two_would_push_onto_joins_them():
    # 100 and 101 move to 95.5 and 105.5, onto 112; then all three stand around their mean, 104 1/3.
    moved = shifts([Mark(100.0, 0.0, 0.0), Mark(101.0, 0.0, 0.0), Mark(112.0, 0.0, 0.0)], 5.0, ROOM)
    assert moved == pytest.approx([-5.6667, 3.3333, 2.3333], abs=1e-3)


def test_marks_stay_in_the_room():
    assert shifts([Mark(3.0, 0.0, 0.0)] * 2, 5.0, ROOM) == pytest.approx([2, 12])
    assert shifts([Mark(399.0, 0.0, 0.0)] * 2, 5.0, ROOM) == pytest.approx([-14, -4])


def test_too_many_share_half_the_room():
    moved = shifts([Mark(200.0, 0.0, 0.0)] * 100, 5.0, ROOM)
    assert max(moved) - min(moved) == pytest.approx(200 * 99 / 100)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(10, 390), st.floats(0, 200), st.floats(0, 50)), max_size=15))
def test_no_two_marks_cover_each_other(drawn):
    marks = [Mark(x, y, y + height) for x, y, height in drawn]
    placed = [mark._replace(x=mark.x + move) for mark, move in zip(marks, shifts(marks, 5.0, ROOM), strict=True)]
    for a, b in itertools.combinations(placed, 2):
        assert abs(a.x - b.x) > 9.9 or a.low - b.high > 9.9 or b.low - a.high > 9.9
