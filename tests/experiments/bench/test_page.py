"""The benchmark's pages hold the numbers of its rows, and the committed pages are made from the committed result."""

import json
from pathlib import Path

import pytest

from experiments.bench.page import END, START, page, readme_block, summary, with_benchmark
from experiments.bench.pictures import ratio_bars
from experiments.bench.rows import accelerate_rows, blank_row, first_step_rows, rows_of, seeds_rows
from experiments.bench.tables import TITLES, end_to_end, geometric_mean, scaling, section_lines
from experiments.bench.timing import Timing

ROOT = Path(__file__).parents[3]
FACTS = {"form": "fast", "versions": {"jax": "1.2"}}
STARTED = {"import_seconds": 1.0, "first_seconds": 2.5, "import_bytes": 170 * 2**20, "peak_bytes": 300 * 2**20}
FIRST_STEP = {"model": "mlp", "options": {}, "import_s": 1.0, "cold_first_step_s": 3.0, "warm_first_step_s": 1.5}


def timed(section, label, batch, **ms):
    case = {"section": section, "label": label, "batch": batch}
    timings = {name: Timing(value, value, value, 5) for name, value in ms.items()}
    return rows_of(case, timings, dict.fromkeys(ms, FACTS), flops=10**9, peak=2e11)


ROWS = [
    *timed("step", "convnet max", 64, jaxcnn=10.0, Flax=40.0, PyTorch=20.0),
    *timed("step", "convnet none", 64, jaxcnn=100.0, Flax=400.0, PyTorch=50.0),
    *timed("scaling", "batch 1", 1, jaxcnn=20.0),
    *timed("scaling", "batch 4", 4, jaxcnn=10.0),
    blank_row({"section": "start", "label": "convnet max", "batch": 64}, "jaxcnn") | STARTED,
    *first_step_rows([FIRST_STEP]),
    *accelerate_rows([{"program": "p", "batch": 64, "off_ms": 50.0, "on_ms": 20.0, "ratio": 2.5}]),
    *seeds_rows([{"model": "net", "seeds": 4, "batch": 64, "ms": {"one after the other": 4.0, "side by side": 3.0}}]),
    blank_row({"section": "step", "label": "convnet max", "batch": 64}, "Keras-TF", error="ImportError: no keras"),
]
WHERE = {"command": "python -m experiments.benchmark", "date": "2026-01-02T03", "machine": "a, 2 cores", "python": "3"}
RESULT = {"rows": ROWS, "environment": WHERE, "matmul_flops": {"jaxcnn": 1.9e11, "PyTorch": 2e11}}


def test_summary_by_hand():
    assert geometric_mean([2.0, 0.5]) == pytest.approx(1.0)
    assert "at 1.00 times the speed of the fastest of Flax, PyTorch, Keras-TF" in summary(ROWS)
    assert "at worst at 0.50, at best at 2.00; it is the fastest in 1." in summary(ROWS)


def test_page_holds_every_section_and_failure():
    text = page(RESULT)
    assert "| convnet max | 64 | 10 | 40 | 20 | failed | 2.00 (PyTorch) | 4.00 | 6,400 | 50% |" in text
    assert "| convnet max | 64 | 300 (170) | 1.0 + 2.5 |" in text
    assert "| mlp | 1.00 | 3.00 | 1.50 |" in text
    assert "| p | 64 | 50 | 20 | 2.50 |" in text
    assert "| net, 4 seeds | 64 | 4 | 3 | 0.75 |" in text
    assert "- Keras-TF, convnet max, batch 64: ImportError: no keras" in text
    assert "a, 2 cores; python 3, jax 1.2. Matrix product: 200 GFLOP/s." in text
    assert TITLES["forward"] not in text


def test_the_profile_is_a_section():
    kinds = [
        {"kind": "convolutions, forward", "ms": 4.0, "flops": 4e8},
        {"kind": "optimizer", "ms": 1.0, "flops": None},
    ]
    row = {"label": "net", "batch": 64, "ms": 4.5, "traced_ms": 5.0, "onednn": True, "kinds": kinds}
    where = WHERE | {"jax": "1", "jaxlib": "2", "flax": "3"}
    text = page(RESULT, {"rows": [row], "environment": where, "matmul_flops": 2e11})
    assert "### net, batch 64, convolutions by oneDNN: 4.5 ms a step, 5 while traced" in text
    assert "| convolutions, forward | 4.00 | 80% | 100 | 50% |" in text
    assert "| optimizer | 1.00 | 20% | – | – |" in text
    assert "Where the time of our training step goes" not in page(RESULT)


def test_scaling_is_relative_to_the_cheapest_operation():
    assert [line["ms a GFLOP, beside the best"] for line in scaling(ROWS)] == ["2.00", "1.00"]


def test_end_to_end_lines():
    row = blank_row({"section": "end_to_end", "label": "convnet max", "batch": 64}, "PyTorch")
    (line,) = end_to_end([row | {"ms": 61_250.0, "turns": 3, "test_accuracy": 0.9912}])
    assert (line["s, from start to accuracy"], line["test accuracy"]) == ("61.2", "0.9912")
    assert section_lines(ROWS, "end_to_end") == []


def test_only_the_part_between_the_markers_changes():
    text = with_benchmark(f"a\n{START}old{END}\nb", RESULT)
    assert text == f"a\n{START}\n{readme_block(RESULT)}{END}\nb"
    with pytest.raises(ValueError, match="the page must hold the markers"):
        with_benchmark("nothing", RESULT)


def test_picture_shows_our_ratios():
    figure = ratio_bars(ROWS)
    assert figure is not None
    assert {text.get_text() for text in figure.axes[0].texts} >= {"2.000", "0.500"}
    assert ratio_bars([]) is None


def test_committed_pages_are_made_from_the_committed_result():
    source = ROOT / "docs/results/benchmark.json"
    result = json.loads(source.read_text("utf-8"))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert result["complete"]
    assert with_benchmark(readme, result) == readme
    profile = ROOT / "docs/results/profile.json"
    told = json.loads(profile.read_text("utf-8")) if profile.exists() else None
    assert (ROOT / "docs/benchmark.md").read_text("utf-8") == page(result, told)
    text = source.read_text("utf-8") + json.dumps(told)
    assert "/tmp" not in text
    assert "/home" not in text
