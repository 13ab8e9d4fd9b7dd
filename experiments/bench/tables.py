"""Tables of the benchmark's rows, for the terminal and for pages."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.bench.rows import APART, COLD, OURS, TOGETHER, WARM, WITH, WITHOUT

Rows = Sequence[Mapping[str, Any]]
TITLES = {
    "step": "Training steps: forward, backward and RMSprop",
    "start": "Memory and start",
    "first_step": "From the call of fit to the end of its first step",
    "forward": "Forward passes",
    "conv_transpose": "Transposed convolutions",
    "depthwise": "Depthwise convolutions",
    "loop": "Inside a loop and outside",
    "scaling": "Scaling of our own steps",
    "seeds": "Several seeds at once",
    "accelerate": "jaxcnn.accelerate_cpu() under programs that don't know it",
    "end_to_end": "End to end: from process start to test accuracy",
}


def cases_of(rows: Rows, section: str) -> dict[tuple[str, int], dict[str, Mapping[str, Any]]]:
    """(label, batch) -> contender -> row, in the order of the rows."""
    found: dict[tuple[str, int], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        if row["section"] == section:
            found.setdefault((row["label"], row["batch"]), {})[row["contender"]] = row
    return found


def contenders_of(rows: Rows, section: str) -> list[str]:
    """Who took part in a section, ours first."""
    names = dict.fromkeys(row["contender"] for row in rows if row["section"] == section)
    return sorted(names, key=lambda name: name != OURS)


def milliseconds(row: Mapping[str, Any] | None) -> str:
    """Three digits, "failed", or a dash for who didn't take part."""
    if row is None:
        return "–"
    return "failed" if row["ms"] is None else number(row["ms"])


def number(value: float) -> str:
    """Three significant digits without an exponent."""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def optional(value: float | None, form: str) -> str:
    """The formatted value, or a dash."""
    return "–" if value is None else format(value, form)


def compared(rows: Rows, section: str) -> list[dict[str, str]]:
    """A line a case: everybody's milliseconds, and what ours is worth beside the fastest other."""
    lines, names = [], contenders_of(rows, section)
    for (label, batch), by_name in cases_of(rows, section).items():
        ours = by_name.get(OURS, {})
        lines.append(
            {
                "case": label,
                "batch": str(batch),
                **{f"{name}, ms": milliseconds(by_name.get(name)) for name in names},
                "times the fastest other": beside_fastest(ours),
                "times Flax": optional(ours.get("ratio_to_flax"), ".2f"),
                "images a second": optional(ours.get("images_per_second"), ",.0f"),
                "of matmul's peak": optional(ours.get("share_of_peak"), ".0%"),
            }
        )
    return lines


def beside_fastest(row: Mapping[str, Any]) -> str:
    """The ratio, and to whom."""
    return f"{row['ratio']:.2f} ({row['fastest_other']})" if row.get("ratio") else "–"


def costs(rows: Rows) -> list[dict[str, str]]:
    """A line a model: highest memory, and seconds until the first step, of every contender."""
    lines, names = [], contenders_of(rows, "start")
    for (label, batch), by_name in cases_of(rows, "start").items():
        line = {"case": label, "batch": str(batch)}
        line |= {f"{name}, MiB": mebibytes(by_name.get(name, {})) for name in names}
        line |= {f"{name}, s": seconds_to_first_step(by_name.get(name, {})) for name in names}
        lines.append(line)
    return lines


def mebibytes(row: Mapping[str, Any]) -> str:
    """The highest, and in brackets that of the imports alone."""
    size, imported = ((row.get(name) or 0) / 2**20 for name in ("peak_bytes", "import_bytes"))
    return "–" if not size else f"{size:,.0f} ({imported:,.0f})" if imported else f"{size:,.0f}"


def first_steps(rows: Rows) -> list[dict[str, str]]:
    """A line a model: seconds of import, and until the first step, cold and warm."""
    return [
        {
            "model": label,
            "import, s": f"{by_name[WARM]['import_seconds']:.2f}",
            "cold, s": f"{by_name[COLD]['first_seconds']:.2f}",
            "warm, s": f"{by_name[WARM]['first_seconds']:.2f}",
        }
        for (label, _), by_name in cases_of(rows, "first_step").items()
    ]


def seconds_to_first_step(row: Mapping[str, Any]) -> str:
    """Of import, and of building, compiling and the first step."""
    if not row.get("first_seconds"):
        return "–"
    return f"{row['import_seconds']:.1f} + {row['first_seconds']:.1f}"


def scaling(rows: Rows) -> list[dict[str, str]]:
    """A line a size: time, and time for each operation beside that of the family's cheapest size."""
    found = [row for row in rows if row["section"] == "scaling" and row["ms"] is not None]
    best: dict[str, float] = {}
    for row in found:
        family, cost = family_of(row), row["ms"] / row["flops"]
        best[family] = min(cost, best.get(family, math.inf))
    return [
        {
            "family": family_of(row),
            "case": row["label"],
            "ms": number(row["ms"]),
            "GFLOP": number(row["flops"] / 1e9),
            "of matmul's peak": f"{row['share_of_peak']:.0%}",
            "ms a GFLOP, beside the best": f"{row['ms'] / row['flops'] / best[family_of(row)]:.2f}",
        }
        for row in found
    ]


def family_of(row: Mapping[str, Any]) -> str:
    """What a scaling row varies: "batch", "image" or "channels"."""
    return "channels" if row["label"].endswith("channels") else row["label"].split()[0]


def accelerated(rows: Rows) -> list[dict[str, str]]:
    """A line a program: milliseconds a step without and with `jaxcnn.accelerate_cpu()`."""
    return [
        {
            "program": label,
            "batch": str(batch),
            "without, ms": milliseconds(by_name.get(WITHOUT)),
            "with, ms": milliseconds(by_name.get(WITH)),
            "times as fast": optional(by_name[WITH]["ratio"], ".2f"),
        }
        for (label, batch), by_name in cases_of(rows, "accelerate").items()
    ]


def seeds(rows: Rows) -> list[dict[str, str]]:
    """A line a model and number of seeds: milliseconds a step and seed of single runs and of `fit_seeds`."""
    return [
        {
            "case": label,
            "batch": str(batch),
            "single runs, ms": milliseconds(by_name.get(APART)),
            "fit_seeds, ms": milliseconds(by_name.get(TOGETHER)),
            "of the single runs": f"{1 / by_name[TOGETHER]['ratio']:.2f}",
        }
        for (label, batch), by_name in cases_of(rows, "seeds").items()
    ]


def end_to_end(rows: Rows) -> list[dict[str, str]]:
    """A line a contender: wall clock and accuracy."""
    return [
        {
            "contender": row["contender"],
            "case": row["label"],
            "s, from start to accuracy": optional(row["ms"] and row["ms"] / 1e3, ".1f"),
            "runs": optional(row["turns"], "d"),
            "test accuracy": optional(row["test_accuracy"], ".4f"),
            "times as fast as the fastest other": optional(row["ratio"], ".2f"),
        }
        for row in rows
        if row["section"] == "end_to_end"
    ]


def section_lines(rows: Rows, section: str) -> list[dict[str, str]]:
    """The section's table; nothing where it has no rows."""
    special = {
        "start": costs,
        "first_step": first_steps,
        "scaling": scaling,
        "seeds": seeds,
        "accelerate": accelerated,
        "end_to_end": end_to_end,
    }
    return special[section](rows) if section in special else compared(rows, section)


def markdown(lines: Sequence[Mapping[str, str]]) -> str:
    """Lines of text under their keys."""
    headings = list(lines[0])
    head = [f"| {' | '.join(headings)} |", "|---|" + "---:|" * (len(headings) - 1)]
    return "\n".join([*head, *(f"| {' | '.join(line.values())} |" for line in lines)])


def geometric_mean(values: Sequence[float]) -> float:
    """The mean that ratios have."""
    return math.exp(sum(map(math.log, values)) / len(values))


def step_ratios(rows: Rows) -> list[float]:
    """Ours beside the fastest other contender, a number a training case."""
    return [row["ratio"] for row in rows if row["section"] == "step" and row["contender"] == OURS and row["ratio"]]
