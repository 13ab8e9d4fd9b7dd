"""A confusion matrix: every count in its cell, every name beside its row."""

import numpy as np
import pytest

from jaxcnn.visualization import confusion


def drawn(figure):
    axes, _ = figure.axes
    return axes, {text.get_position(): text.get_text() for text in axes.texts}


def test_counts_and_shares_stand_in_their_cells(assert_legible):
    figure = confusion(np.array([[1500, 500], [0, 4]]), ("cat", "dog"), title="Pets")
    assert_legible(figure)
    axes, counts = drawn(figure)
    assert counts == {(0, 0): "1,500", (1, 0): "500", (1, 1): "4"}  # column before row, as x before y
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("taken for", "true class")


def test_a_class_without_images_stays_empty():
    axes, counts = drawn(confusion(np.array([[0, 0], [1, 1]]), ("none", "some"), title="t"))
    assert counts == {(0, 1): "1", (1, 1): "1"}
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0, 0], [0.5, 0.5]])


def test_any_name_is_shown_literally_and_shortened(assert_legible):
    names = ("<script>alert(1)</script>", "../../etc/passwd", "한글", "$x^2$ and a name that goes on and on")
    figure = confusion(np.eye(4, dtype=int) * 12_345, names, title="Odd $names$")
    assert_legible(figure)
    shown = [label.get_text() for label in drawn(figure)[0].get_yticklabels()]
    assert shown[0] == "<script>alert(1)</scrip…"
    assert shown[3].startswith(r"\$x^2\$ and")
    assert len(names[3]) > 24


@pytest.mark.parametrize(("classes", "counted", "named"), [(26, True, True), (27, False, True), (61, False, False)])
def test_many_classes_drop_counts_then_names(classes, counted, named, assert_legible):
    figure = confusion(np.eye(classes, dtype=int) * 9, [f"class {i}" for i in range(classes)], title="t")
    assert_legible(figure)
    axes, counts = drawn(figure)
    assert bool(counts) == counted
    assert ("class 3" in [label.get_text() for label in axes.get_yticklabels()]) == named


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 2), int), r"each of the 3 class_names, .* got shape \(2, 2\)"),
        (-np.eye(3, dtype=int), "counts of 0 or more, got -1"),
    ],
)
def test_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        confusion(matrix, ("a", "b", "c"), title="t")
