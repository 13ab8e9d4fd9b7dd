"""Ratios by hand, what a row holds, and rows of two runs in one list."""

import pytest

from experiments.bench.rows import accelerate_rows, blank_row, merged, ratio_to_fastest, rows_of, seeds_rows
from experiments.bench.timing import Timing

CASE = {"section": "step", "label": "net", "batch": 64}
FACTS = {"form": "", "versions": {}}


def timing(ms):
    return Timing(ms, ms, ms, 5)


def test_ratio_is_to_the_fastest_of_the_others():
    ms = {"jaxcnn": 10.0, "Flax": 40.0, "PyTorch": 15.0}
    assert ratio_to_fastest(ms, "jaxcnn") == (1.5, "PyTorch")
    assert ratio_to_fastest(ms, "PyTorch") == (pytest.approx(10 / 15), "jaxcnn")
    assert ratio_to_fastest({"jaxcnn": 10.0}, "jaxcnn") == (None, None)


def test_rows():
    timings = {"jaxcnn": timing(10.0), "Flax": timing(40.0)}
    ours, plain = rows_of(CASE, timings, {"jaxcnn": FACTS, "Flax": FACTS}, flops=10**9, peak=2e11)
    assert ours["images_per_second"] == pytest.approx(6400)
    assert ours["share_of_peak"] == pytest.approx(0.5)  # 1 GFLOP in 10 ms is 100 GFLOP/s of 200
    assert (ours["ratio"], ours["ratio_to_flax"]) == (4.0, 4.0)
    assert plain["ratio"] == 0.25
    assert ours.keys() == blank_row(CASE, "PyTorch", error="it failed").keys()


def test_new_rows_replace_old_ones_in_place():
    old = [blank_row(CASE, "A"), blank_row(CASE, "B")]
    new = [blank_row(CASE, "C"), blank_row(CASE, "A") | {"ms": 1.0}]
    assert [(row["contender"], row["ms"]) for row in merged(old, new)] == [("A", 1.0), ("B", None), ("C", None)]


def test_accelerated_programs_are_two_rows():
    measured = [{"program": "p", "batch": 64, "off_ms": 50.0, "on_ms": 20.0, "ratio": 2.5}]
    assert [(row["contender"], row["ms"]) for row in accelerate_rows(measured)] == [("without", 50.0), ("with", 20.0)]


def test_seeds_are_two_rows():
    measured = {"model": "net", "seeds": 2, "batch": 64, "ms": {"one after the other": 3.0, "side by side": 2.0}}
    apart, together = seeds_rows([measured])
    assert (apart["label"], apart["ms"], apart["ratio"]) == ("net, 2 seeds", 3.0, None)
    assert (together["ms"], together["ratio"], together["fastest_other"]) == (2.0, 1.5, "one after the other")
