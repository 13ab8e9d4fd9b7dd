"""Counts of answers by hand, and names that are only ever shown."""

from pathlib import Path

import numpy as np
import pytest

from experiments.harness.mistakes import Answers, class_records, confusion_section, mistakes_section
from jaxcnn.data import Dataset
from jaxcnn.visualization import Table, report

NAMES = ("../../evil", "<b>bold</b>", "한글", "empty")
PROBABILITIES = [[0.9, 0.1, 0, 0], [0.4, 0.6, 0, 0], [0.2, 0.1, 0.7, 0], [0.05, 0.9, 0.05, 0], [0, 0.1, 0.9, 0]]


@pytest.fixture
def answers():
    """Right, wrong, wrong, right, right; the third is worse than the second."""
    pixels = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    return Answers(Dataset(pixels, [0, 0, 1, 1, 2], NAMES, "odd", "full"), np.array(PROBABILITIES, np.float32))


def test_the_matrix_has_a_row_for_each_true_class(answers):
    assert answers.matrix.tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert answers.worst().tolist() == [2, 1]
    assert answers.worst(1).tolist() == [2]


def test_class_by_class(answers):
    first, _, third, empty = class_records(answers)
    assert first == {
        "class": "../../evil",
        "images": "2",
        "right": "1",
        "accuracy": "0.5000",
        "most often taken for": "<b>bold</b> (1)",
    }
    assert (third["accuracy"], third["most often taken for"]) == ("1.0000", "–")
    assert (empty["images"], empty["accuracy"]) == ("0", "–")


def test_names_are_shown_and_never_paths_or_markup(answers, tmp_path):
    out = tmp_path / "a" / "b" / "out"
    out.mkdir(parents=True)
    files = [Path(f"<i>{i}.png") for i in range(5)]
    sections = [confusion_section(out, answers), mistakes_section(out, answers, files)]
    page = report("odd", sections)
    assert "<b>bold" not in page
    assert "<i>" not in page
    assert all(text in page for text in ("&lt;b&gt;bold&lt;/b&gt;", "../../evil", "한글", "&lt;i&gt;2.png"))
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png")) == [
        "a/b/out/confusion.png",
        "a/b/out/mistakes.png",
    ]


def test_the_table_of_mistakes_names_the_files(answers, tmp_path):
    *_, table = mistakes_section(tmp_path, answers, [Path(f"{i}.png") for i in range(5)]).blocks
    assert isinstance(table, Table)
    assert [tuple(row)[:3] for row in table.rows] == [
        ("2.png", "<b>bold</b>", "한글"),
        ("1.png", "../../evil", "<b>bold</b>"),
    ]


def test_no_mistakes(answers, tmp_path):
    right = Answers(answers.dataset, np.eye(4)[answers.dataset.labels])
    assert mistakes_section(tmp_path, right, []).blocks == ["Every held-back image was recognised."]
    assert list(tmp_path.iterdir()) == []
