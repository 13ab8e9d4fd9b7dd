import pytest

from jaxcnn.analysis.receptive_field import source
from jaxcnn.analysis.reshape import axis_groups, reshaped


@pytest.mark.parametrize(
    ("old", "new", "groups"),
    [
        ((2, 3, 4), (2, 12), [((0,), (0,)), ((1, 2), (1,))]),
        ((6, 4), (2, 3, 4), [((0,), (0, 1)), ((1,), (2,))]),
        ((1, 5), (5,), [((0, 1), (0,))]),
        ((5, 1, 1), (5,), [((0,), (0,)), ((1,), ()), ((2,), ())]),
        ((4, 6), (3, 8), [((0, 1), (0, 1))]),
        ((), (1, 1), [((), (0,)), ((), (1,))]),
    ],
)
def test_axis_groups_are_the_smallest_of_equal_size(old, new, groups):
    assert list(axis_groups(old, new)) == groups


def walks(old, new, axis):
    """Where one axis of the input walks after a reshape: (axis, step, count, regular)."""
    span = reshaped(source(old), old, new)[axis]
    return None if span is None else [(w.axis, w.step, w.count, w.regular) for w in span.walks]


class TestReshaped:
    def test_splits_an_axis_into_large_and_small_steps(self):
        assert walks((12, 5), (4, 3, 5), 0) == [(0, 3, 4, True), (1, 1, 3, True)]

    def test_merges_with_the_leading_axis_still_even(self):
        assert walks((4, 3), (12,), 0) == [(0, pytest.approx(1 / 3), 12, True)]
        assert walks((4, 3), (12,), 1) == [(0, 1, 3, False)]

    def test_keeps_axes_past_units(self):
        assert walks((1, 28, 28, 1), (28, 28), 2) == [(1, 1, 28, True)]
        assert walks((28, 7), (1, 28, 7), 0) == [(1, 1, 28, True)]

    def test_is_unknown_where_axes_are_regrouped(self):
        assert walks((4, 6), (3, 8), 0) is None
