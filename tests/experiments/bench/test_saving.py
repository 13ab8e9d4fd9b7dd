"""The page's table is what the command makes of the committed result."""

import json
from pathlib import Path

import pytest

from experiments.bench.saving import END, START, with_saving

ROOT = Path(__file__).parents[3]


def test_the_page_shows_the_committed_result():
    page = (ROOT / "docs/checkpoints.md").read_text("utf-8")
    result = json.loads((ROOT / "docs/results/saving.json").read_text("utf-8"))
    assert with_saving(page, result) == page
    assert all(row["whole_seconds"] < 0.05 * 60 for row in result["rows"])


def test_only_the_part_between_the_markers_changes():
    row = {"model": "net", "params": 1234, "bytes": 2_500_000, "waits_seconds": 0.0012, "whole_seconds": 0.3}
    result = {"rows": [row], "environment": {"command": "c", "date": "2026-01-02T03", "machine": "m", "jax": "1"}}
    page = with_saving(f"a\n{START}old{END}\nb", result)
    assert page.startswith(f"a\n{START}\n| model |")
    assert page.endswith(f"\n{END}\nb")
    assert "| net | 1,234 | 2.50 | 1.2 | 300 | 0.50% |" in page
    with pytest.raises(ValueError, match="the page must hold the markers"):
        with_saving("nothing", result)
