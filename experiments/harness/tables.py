"""Tables of variants, for the terminal and the report."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.harness.runs import Variant, measurements, runs_of
from experiments.harness.statistics import estimate

Records = Sequence[Mapping[str, str]]


def size_records(variants: Sequence[Variant]) -> Records:
    """A line a variant: what it costs, for one image."""
    return [
        {
            "model": variant.model,
            "variant": variant.label,
            "parameters": f"{variant.summary.trainable_params:,}",
            "MACs": f"{variant.summary.total_macs:,}",
            "activations": f"{variant.summary.total_activation_bytes / 1024:,.1f} KiB",
            "receptive field": "×".join(map(str, variant.receptive_field or ())) or "–",
        }
        for variant in variants
    ]


def accuracy_records(variants: Sequence[Variant], rows: Sequence[Mapping[str, Any]]) -> Records:
    """A line a variant: what it achieved, as means over its runs; nothing where nothing was trained."""
    lines = [(variant, runs_of(variant, rows)) for variant in variants]
    if not any(run["test_accuracy"] is not None or run["error"] for run in rows):
        return []
    return [
        {
            "model": variant.model,
            "variant": variant.label,
            "train accuracy": _over_runs(runs, "train_accuracy", 4),
            "test accuracy": _over_runs(runs, "test_accuracy", 4),
            "train loss": _over_runs(runs, "train_loss", 3),
            "test loss": _over_runs(runs, "test_loss", 3),
            "s an epoch": _over_runs(runs, "seconds_per_epoch", 1),
        }
        for variant, runs in lines
    ]


def _over_runs(runs: Sequence[Mapping[str, Any]], name: str, places: int) -> str:
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
