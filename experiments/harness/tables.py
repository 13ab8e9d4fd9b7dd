"""Tables of variants from the rows of a result, for the terminal, the report and the README."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.harness.runs import measurements
from experiments.harness.statistics import estimate

Rows = Sequence[Mapping[str, Any]]
Records = Sequence[Mapping[str, str]]


def by_variant(rows: Rows) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """(model, label) -> the variant's runs, in the order of the rows."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["model"], row["label"]), []).append(row)
    return grouped


def size_records(rows: Rows) -> Records:
    """A line a variant: what it costs, for one image."""
    return [
        {
            "model": model,
            "variant": label,
            "parameters": f"{run['params']:,}",
            "MACs": f"{run['macs']:,}",
            "activations": f"{run['activation_bytes'] / 1024:,.1f} KiB",
            "receptive field": "×".join(map(str, run["receptive_field"] or ())) or "–",
        }
        for (model, label), (run, *_) in by_variant(rows).items()
    ]


def accuracy_records(rows: Rows) -> Records:
    """A line a variant: what it achieved, as means over its runs; nothing where nothing was trained."""
    if not measurements(rows, "test_accuracy") + measurements(rows, "error"):
        return []
    return [
        {
            "model": model,
            "variant": label,
            "train accuracy": over_runs(runs, "train_accuracy", 4),
            "test accuracy": over_runs(runs, "test_accuracy", 4),
            "train loss": over_runs(runs, "train_loss", 3),
            "test loss": over_runs(runs, "test_loss", 3),
            "s an epoch": over_runs(runs, "seconds_per_epoch", 1),
        }
        for (model, label), runs in by_variant(rows).items()
    ]


def over_runs(runs: Rows, name: str, places: int) -> str:
    """Mean and interval over the runs that have the measure, and how many diverged."""
    values, failed = measurements(runs, name), len(measurements(runs, "error"))
    text = estimate(values).text(places) if values else "–"
    return f"{text} ({failed} diverged)" if failed else text


def print_table(records: Records, *, title: str) -> None:
    """Print lines of text under their keys, the first two columns to the left, the others to the right."""
    table = Table(title=title, title_justify="left")
    for index, heading in enumerate(records[0]):
        table.add_column(heading, justify="left" if index < 2 else "right", overflow="fold")
    for line in records:
        table.add_row(*line.values())
    # Off a terminal rich assumes 80 columns, and would fold what a file or a pipe has room for.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160).print(table)
