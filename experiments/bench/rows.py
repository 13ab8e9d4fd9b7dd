"""Rows of the benchmark from timings: who is how fast, in ratios and shares."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.bench.timing import Timing

Row = dict[str, Any]
OURS, PLAIN = "jaxcnn", "Flax"
WITHOUT, WITH = "without", "with"
COLD, WARM = "cold", "warm"
APART, TOGETHER = "one after the other", "side by side"
# What only "start" and "first_step" measure.
UNTIMED = dict.fromkeys(("import_seconds", "first_seconds", "import_bytes", "peak_bytes", "error"))


def ratio_to_fastest(ms: Mapping[str, float], name: str) -> tuple[float | None, str | None]:
    """How many times as fast as the fastest other contender, and which that is."""
    others = {other: value for other, value in ms.items() if other != name}
    if not others:
        return None, None
    fastest = min(others, key=lambda other: others[other])
    return others[fastest] / ms[name], fastest


def rows_of(
    case: Mapping[str, Any],
    timings: Mapping[str, Timing],
    facts: Mapping[str, Mapping[str, Any]],
    *,
    flops: int,
    peak: float,
) -> list[Row]:
    """A row a contender.

    Args:
      case: `section`, `label`, `batch` and what else names the case.
      timings: contender -> milliseconds a step.
      facts: contender -> what else its process told: form and versions.
      flops: floating-point operations of one step.
      peak: the machine's measured floating-point operations a second.
    """
    ms = {name: timing.ms for name, timing in timings.items()}
    return [
        {
            **case,
            "contender": name,
            "ms": timing.ms,
            "ms_fastest": timing.fastest,
            "ms_slowest": timing.slowest,
            "turns": timing.turns,
            "images_per_second": case["batch"] / timing.ms * 1e3,
            "ratio": ratio_to_fastest(ms, name)[0],
            "fastest_other": ratio_to_fastest(ms, name)[1],
            "ratio_to_flax": ms[PLAIN] / timing.ms if PLAIN in ms else None,
            "flops": flops,
            "share_of_peak": flops / (timing.ms * 1e-3) / peak,
            **UNTIMED,
            **facts[name],
        }
        for name, timing in timings.items()
    ]


def blank_row(case: Mapping[str, Any], name: str, *, error: str | None = None) -> Row:
    """The row of a contender that couldn't, or whose case isn't timed in steps."""
    timed = ("ms", "ms_fastest", "ms_slowest", "turns", "images_per_second", "ratio", "fastest_other")
    others = ("ratio_to_flax", "flops", "share_of_peak", "form")
    return {
        **case,
        "contender": name,
        **dict.fromkeys((*timed, *others)),
        **UNTIMED,
        "versions": {},
        "error": error,
    }


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a row is about; a new row of the same key replaces the old one."""
    return row["section"], row["label"], row["batch"], row["contender"]


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """The old rows, each replaced where it was measured anew, and the rest of the new ones."""
    fresh = {key_of(row): row for row in new}
    kept = [fresh.pop(key_of(row), row) for row in old]
    return [*kept, *fresh.values()]


def seeds_rows(measurements: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Two rows a model and number of seeds that `bench.seeds` measured: one after the other, and side by side."""
    rows = []
    for found in measurements:
        case = {"section": "seeds", "label": f"{found['model']}, {found['seeds']} seeds", "batch": found["batch"]}
        ratio = found["ms"][APART] / found["ms"][TOGETHER]
        rows += [
            blank_row(case, APART) | {"ms": found["ms"][APART]},
            blank_row(case, TOGETHER) | {"ms": found["ms"][TOGETHER], "ratio": ratio, "fastest_other": APART},
        ]
    return rows


def accelerate_rows(measurements: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Two rows a program that `bench.accelerate` measured: without the acceleration, and with it."""
    rows = []
    for found in measurements:
        case = {"section": "accelerate", "label": found["program"], "batch": found["batch"]}
        rows += [
            blank_row(case, WITHOUT) | {"ms": found["off_ms"]},
            blank_row(case, WITH) | {"ms": found["on_ms"], "ratio": found["ratio"], "fastest_other": WITHOUT},
        ]
    return rows


def first_step_rows(measurements: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Two rows a model that `bench.startup` measured: without programs kept from an earlier process, and with them."""
    rows = []
    for found in measurements:
        label = " ".join([found["model"], *found["options"].values()])
        case = {"section": "first_step", "label": label, "batch": 64}
        rows += [
            blank_row(case, name)
            | {"import_seconds": found["import_s"], "first_seconds": found[f"{name}_first_step_s"]}
            for name in (COLD, WARM)
        ]
    return rows
