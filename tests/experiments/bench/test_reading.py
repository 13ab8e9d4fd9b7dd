"""The bench of reading: its rows on sizes that measure nothing, and its page from numbers by hand."""

import json
from pathlib import Path

import pytest

from experiments.bench import reading as bench_reading
from experiments.bench.reading_page import alone_lines, reading_page, training_lines


def row(section, source, rate, *, workers=0, together=32, model=None, first=None):
    found = {"section": section, "source": source, "workers": workers, "together": together, "model": model}
    return {**found, "images_per_second": rate, "first_seconds": first}


ROWS = [
    row("reading", "PNGs", 9e4, together=1),
    row("reading", "memory", 1e5, first=0.5),
    row("reading", "PNGs", 2e4, first=0.25),
    row("reading", "PNGs", 3e4, workers=2, first=2.0),
    row("training", bench_reading.IN_MEMORY, 5e4, model="mlp"),
    row("training", "memory", 4e4, model="mlp"),
    row("training", "PNGs", 1e4, model="mlp"),
]
RESULT = {
    "config": {"batch_size": "64"},
    "environment": {"command": "x", "date": "2026-11-22T09", "machine": "m", "python": "3", "jax": "1", "numpy": "2"},
    "rows": ROWS,
}


def test_the_page_says_where_reading_is_slower():
    page = reading_page(RESULT)
    assert alone_lines(ROWS[:4])[0] == {
        "source": "PNGs",
        "by next": "90,000",
        "32 together": "20,000 (0.25 s)",
        "32 together, workers=2": "30,000 (2.00 s)",
    }
    assert training_lines(ROWS[4:], ROWS[:4]) == [
        {
            "model": "mlp",
            bench_reading.IN_MEMORY: "50,000",
            "memory": "40,000 (0.80)",
            "PNGs": "10,000 (0.20)",
            "reads as fast": "memory",
        }
    ]
    assert "- Reading from memory is faster than every model trains." in page
    assert "- Reading from PNGs is slower than the training step of mlp." in page


@pytest.mark.slow
def test_every_source_is_read_and_trained_on(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_reading, "STEPS", 2)
    config = bench_reading.Config(
        models=("mlp",), workers=(0,), batch_size=2, seconds=0.01, result=tmp_path / "r.json", page=tmp_path / "r.md"
    )
    rows = bench_reading.main(config)
    sources = ["memory", "array_record", "PNGs", bench_reading.CACHED, bench_reading.FILLING]
    assert [row["source"] for row in rows if row["section"] == "reading"] == sources * 2
    assert len([row for row in rows if row["section"] == "training"]) == 5
    assert min(row["images_per_second"] for row in rows) > 0
    result = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (tmp_path / "r.md").read_text("utf-8") == reading_page(result).rstrip() + "\n"


def test_the_page_in_docs_is_that_of_its_result():
    docs = Path(__file__).parents[3] / "docs"
    result = json.loads((docs / "results" / "reading.json").read_text("utf-8"))
    assert (docs / "reading.md").read_text("utf-8") == reading_page(result).rstrip() + "\n"
