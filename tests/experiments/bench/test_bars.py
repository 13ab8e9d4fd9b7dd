"""Bars by hand: what is met, what is missed and by whom, what failed, and what was not measured."""

import pytest

from experiments.bench.bars import BARS, Bar, Found, bars_held_to, bars_section, is_met, verdict
from experiments.bench.rows import blank_row, first_step_rows, rows_of, seeds_rows
from experiments.bench.timing import Timing

FACTS = {"form": "", "versions": {}}
STEPS, MEAN, FLAX, PEAK, LOOP, TRANSPOSE, MEMORY, FIRST, WHOLE, SEEDS = range(10)

FIRST_STEP = {
    "model": "convnet",
    "options": {"pool": "max"},
    "import_s": 1.0,
    "cold_first_step_s": 3.0,
    "warm_first_step_s": 2.5,
}


def timed(section, label, **ms):
    case = {"section": section, "label": label, "batch": 64}
    timings = {name: Timing(value, value, value, 5) for name, value in ms.items()}
    return rows_of(case, timings, dict.fromkeys(ms, FACTS), flops=10**9, peak=2e11)


def started(name, size):
    return blank_row({"section": "start", "label": "net", "batch": 64}, name) | {"peak_bytes": size}


def test_rows_under_the_bars_are_named():
    lines = bars_held_to(
        [
            *timed("step", "convnet max", jaxcnn=10.0, Flax=40.0, PyTorch=20.0),
            *timed("step", "convnet none", jaxcnn=100.0, Flax=250.0, PyTorch=66.0),
            *timed("loop", "training step of convnet max, a call a step", jaxcnn=10.0),
            *timed("loop", "training step of convnet max, inside fori_loop", jaxcnn=11.5),
            *timed("conv_transpose", "1-D, and both gradients", jaxcnn=3.2, PyTorch=2.0),
            *timed("conv_transpose", "1-D, forward", jaxcnn=9.0, PyTorch=1.0),
            *(started("jaxcnn", 300), started("PyTorch", 200)),
            *timed("end_to_end", "net, epochs: 5", jaxcnn=4000.0, PyTorch=3000.0),
            *first_step_rows([FIRST_STEP]),
            *seeds_rows(
                [{"model": "net", "seeds": 2, "batch": 64, "ms": {"one after the other": 2, "side by side": 3}}]
            ),
        ]
    )
    assert lines[STEPS].endswith("at least 1. **Missed in 1 of 2**: convnet none, batch 64: 0.66 (PyTorch).")
    assert lines[MEAN].endswith("at least 1.25. **Missed in 1 of 1**: it is 1.15.")
    assert lines[FLAX].endswith("at least 3. **Missed in 1 of 2**: convnet none, batch 64: 2.5.")
    assert lines[PEAK].endswith("at least 0.5. **Missed in 1 of 1**: convnet none, batch 64: 0.05.")
    assert lines[LOOP].endswith("at most 1.1. **Missed in 1 of 1**: training step of convnet max: 1.15.")
    assert lines[TRANSPOSE].endswith("at most 1.5. **Missed in 1 of 1**: 1-D, and both gradients, batch 64: 1.6.")
    assert lines[MEMORY].endswith("at most 1. **Missed in 1 of 1**: net, batch 64: 1.5.")
    assert lines[FIRST].endswith("at most 2. **Missed in 1 of 1**: convnet max: 2.5.")
    assert lines[WHOLE].endswith("at least 1. **Missed in 1 of 1**: net, epochs: 5, batch 64: 0.75 (PyTorch).")
    assert lines[SEEDS].endswith("at most 1. **Missed in 1 of 1**: net, 2 seeds, batch 64: 1.5.")


def test_met_and_not_measured():
    lines = bars_held_to(timed("step", "net", jaxcnn=10.0, PyTorch=20.0))
    assert lines[STEPS].endswith("Met in 1 of 1, at worst 2.")
    assert all(line.endswith("Not measured.") for line in lines[FLAX:])
    assert len(lines) == len(BARS)


def test_what_failed_has_missed():
    case = {"section": "step", "label": "net", "batch": 64}
    rows = [*timed("step", "net", PyTorch=20.0), blank_row(case, "jaxcnn", error="out of memory")]
    assert bars_held_to(rows)[STEPS].endswith("**Missed in 1 of 1**: net, batch 64: failed.")


@pytest.mark.parametrize(
    ("value", "at_most", "met"), [(0.9999, False, False), (1.0001, True, False), (1.0, True, True)]
)
def test_nothing_is_rounded_up_to_a_bar(value, at_most, met):
    bar = Bar("all", 1.0, lambda rows: iter(()), at_most)
    assert is_met(bar, value) is met
    assert ("Missed" in verdict(bar, [Found("net:", value)])) is not met


def test_the_section_names_the_others():
    text = "\n".join(bars_section(timed("step", "net", jaxcnn=10.0, PyTorch=20.0)))
    assert "The others in it: PyTorch." in text
