"""The README's table is what the command makes of the committed result."""

import json
from pathlib import Path

import pytest

from experiments.harness.readme import END, START, with_results

ROOT = Path(__file__).parents[3]


def test_readme_shows_the_committed_result():
    page = (ROOT / "README.md").read_text("utf-8")
    result = json.loads((ROOT / "docs/results/pooling.json").read_text("utf-8"))
    assert result["complete"]
    assert with_results(page, result) == page


def test_only_the_part_between_the_markers_changes():
    row = {
        "model": "net",
        "label": "no pooling",
        "params": 1234,
        "macs": 5,
        "receptive_field": [3, 3],
        "test_accuracy": 0.5,
        "seconds_per_epoch": 1.0,
        "error": None,
        "data_source": "sample",
        "train_examples": 8000,
        "test_examples": 2000,
    }
    names = ("command", "date", "machine", "python", "jax", "flax", "optax")
    result = {
        "rows": [row],
        "config": {"dataset": "mnist", "epochs": 2, "seeds": 1},
        "environment": dict.fromkeys(names, "2026-01-02T03"),
    }
    page = with_results(f"a\n{START}old{END}\nb", result)
    assert page.startswith(f"a\n{START}\n")
    assert page.endswith(f"{END}\nb")
    assert "old" not in page
    assert "| net | no pooling | 1,234 | 5 | 3×3 | 0.5000 | 1.0 |" in page
    assert "the shipped sample (8,000 training and 2,000 test images), 2 epochs, mean of 1 seeds" in page


def test_refuses_a_page_without_markers():
    with pytest.raises(ValueError, match="the page must hold the markers"):
        with_results("nothing", {})
