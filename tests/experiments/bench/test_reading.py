"""The bench of reading: its rows on sizes that measure nothing, and its page from numbers by hand."""

import json
from pathlib import Path

import pytest

from experiments.bench import reading as bench_reading
from experiments.bench.floors import ALL, INFLATED, OPENED, UNFILTERED
from experiments.bench.reading_limits import first_epoch
from experiments.bench.reading_page import NEVER, alone_lines, reading_page, training_lines, verdict


def row(section, source, rate, *, workers=0, together=32, model=None, first=1.0):
    found = {"section": section, "source": source, "workers": workers, "together": together, "model": model}
    return {**found, "images_per_second": rate, "first_seconds": first}


def floor(part, rate, threads):
    found = {"section": "floor", "source": part, "threads": threads, "cores": 2}
    return found | {"images_per_second": rate * threads}


def epoch(model, first):
    seconds = {"opening_seconds": 0.5, "again_seconds": 0.125, "first_seconds": first, "later_seconds": 0.25}
    return {"section": "epoch", "source": "PNGs", "model": model, "images": 6000} | seconds


ROWS = [
    row("reading", "PNGs", 9e4, together=1),
    row("reading", "memory", 1e5, first=0.5),
    row("reading", "PNGs", 2e4, first=0.25),
    row("reading", "PNGs", 3e4, workers=2, first=2.0),
    row("training", bench_reading.IN_MEMORY, 5e4, model="mlp"),
    row("training", "memory", 4e4, model="mlp"),
    row("training", "PNGs", 1e4, model="mlp"),
    *(floor(part, 1e5, threads) for threads in (1, 2) for part in (OPENED, INFLATED, UNFILTERED, ALL)),
    *(epoch(model, first) for model, first in ((None, 2.0), ("mlp", 3.0))),
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
        "by next": "90,000 (1.00 s)",
        "32 together": "20,000 (0.25 s)",
        "32 together, workers=2": "30,000 (2.00 s)",
    }
    assert training_lines(ROWS[4:7], ROWS[:4]) == [
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
    assert "So reading is never slower" not in page


def test_the_page_says_what_no_reader_is_faster_than():
    """Three parts of 10 µs and a step of 20 µs an image, each on one of two cores."""
    page = " ".join(reading_page(RESULT).split())
    assert "10.0 + 10.0 + 10.0 = 30.0 µs of one core" in page
    assert "- Only mlp is trained faster than one core could decode" in page
    assert "40,000 at most: an epoch that decodes takes at least 1.25 times as long" in page
    assert f"| {OPENED} | 10.0 | 100,000 | 200,000 |" in page
    assert "| PNGs | 0.50 s | 0.12 s | 2.00 s | 0.25 s | 3.00 s | 0.25 s |" in page
    assert "Seconds of 6,000 images" in page
    assert "- PNGs: the first opening takes 0.38 s more than a later one;" in page
    assert "where mlp trains, the first epoch takes 2.75 s more than the second." in page
    level = first_epoch([epoch("mlp", 0.25) | {"again_seconds": 0.51}])
    assert level.count("takes no more than") == 2


def test_where_nothing_is_decoded_reading_is_never_slower():
    fast = [row("reading", bench_reading.CACHED, 6e4), row("reading", "memory", 6e4)]
    assert verdict(ROWS[4:7], fast).endswith(NEVER)
    assert not verdict(ROWS[4:7], fast[:1]).endswith(NEVER)


@pytest.mark.slow
def test_every_source_is_read_and_trained_on(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_reading, "STEPS", 2)
    config = bench_reading.Config(
        models=("mlp",),
        workers=(0,),
        batch_size=2,
        images=4,
        seconds=0.01,
        result=tmp_path / "r.json",
        page=tmp_path / "r.md",
    )
    rows = bench_reading.main(config)
    sources = ["memory", "array_record", "PNGs", bench_reading.CACHED]
    assert [row["source"] for row in rows if row["section"] == "reading"] == sources * 2
    assert len([row for row in rows if row["section"] == "training"]) == 5
    assert len([row for row in rows if row["section"] == "floor"]) == 2 * 6
    assert len([row for row in rows if row["section"] == "epoch"]) == 2 * 3
    assert min(row.get("images_per_second", 1) for row in rows) > 0
    result = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (tmp_path / "r.md").read_text("utf-8") == reading_page(result).rstrip() + "\n"


def test_the_page_in_docs_is_that_of_its_result():
    docs = Path(__file__).parents[3] / "docs"
    result = json.loads((docs / "results" / "reading.json").read_text("utf-8"))
    assert (docs / "reading.md").read_text("utf-8") == reading_page(result).rstrip() + "\n"
