"""What a checkpoint costs: how long training waits for it, how long it takes behind training, and its size.

Run `python -m experiments.bench.saving`: about half a minute. Every figure is the median of the rounds after
the first, on the disk that TMPDIR names. The share of a run's time at one save a minute counts as if training stood
still until the checkpoint is whole on the disk, flushed; it goes on meanwhile. Writes docs/results/saving.json, from
which `python -m experiments.harness.readme` makes the table of docs/checkpoints.md.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro

from experiments.bench.models import Entry, lecture_models
from experiments.bench.seeds import make_state
from experiments.harness.command import run
from experiments.harness.environment import environment
from experiments.harness.tables import print_table
from jaxcnn.files import write_atomically
from jaxcnn.training import Run
from jaxcnn.training.checkpoints.store import About, write_checkpoint
from jaxcnn.training.chunks import Plan

START, END = "<!-- saving: start -->", "<!-- saving: end -->"
MINUTE = 60


@dataclass(frozen=True)
class Config:
    """How often, and where the figures go."""

    rounds: Annotated[int, tyro.conf.arg(help="Saves of each model; the first is not counted.")] = 8
    out: Annotated[Path, tyro.conf.arg(help="The file for the figures.")] = Path("docs/results/saving.json")


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print a table, write and return the rows.

    Raises:
      ValueError: for fewer than two rounds.
    """
    if config.rounds < 2:
        raise ValueError(f"--rounds must be at least 2, got {config.rounds}")
    measured = [row(entry, config.rounds) for entry in lecture_models()]
    print_table([record(each) for each in measured], title="What a checkpoint costs")
    result = {"experiment": "saving", "environment": environment(), "rows": measured}
    write_atomically(config.out, json.dumps(result, indent=1) + "\n")
    return measured


def row(entry: Entry, rounds: int) -> dict[str, Any]:
    """One model: its parameters, bytes on the disk, seconds that training waits, and seconds until all is whole."""
    state = make_state(entry.model, entry.options)
    under_way = Run(Plan(64, 64, 1), 1, 0, state)
    with tempfile.TemporaryDirectory() as folder:
        timed = [_save(under_way, Path(folder), step) for step in range(rounds)]
        size = sum(path.stat().st_size for path in (Path(folder) / "step_00000000").rglob("*") if path.is_file())
    waits, wholes = ([times[i] for times in timed[1:]] for i in range(2))
    return {
        "model": entry.label,
        "params": sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        "bytes": size,
        "waits_seconds": statistics.median(waits),
        "whole_seconds": statistics.median(wholes),
    }


def _save(under_way: Run, folder: Path, step: int) -> tuple[float, float]:
    under_way.step = step
    start = time.perf_counter()
    copy = under_way.snapshot()
    jax.block_until_ready(copy.arrays)
    copied = time.perf_counter()
    write_checkpoint(folder, copy, About({}, "", None, None))
    return copied - start, time.perf_counter() - start


def record(measured: Mapping[str, Any]) -> dict[str, str]:
    """A row in words."""
    return {
        "model": measured["model"],
        "parameters": f"{measured['params']:,}",
        "on disk, MB": f"{measured['bytes'] / 1e6:.2f}",
        "training waits, ms": f"{measured['waits_seconds'] * 1e3:.1f}",
        "whole after, ms": f"{measured['whole_seconds'] * 1e3:.0f}",
        "share at one a minute, at most": f"{measured['whole_seconds'] / MINUTE:.2%}",
    }


def with_saving(text: str, result: Mapping[str, Any]) -> str:
    """`text` with the table of `result` between its markers.

    Raises:
      ValueError: where the page lacks the markers.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the page must hold the markers {START} and {END}; put them where the table belongs")
    where = result["environment"]
    source = f"`{where['command']}` on {where['date'][:10]}, {where['machine']}; jax {where['jax']}."
    return f"{before}{START}\n{_table([record(each) for each in result['rows']])}\n\n{source}\n{END}{after}"


def _table(records: Sequence[Mapping[str, str]]) -> str:
    names = list(records[0])
    lines = [f"| {' | '.join(names)} |", "|---|" + "---:|" * (len(names) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(each.values())} |" for each in records)])


if __name__ == "__main__":
    run(main, Config)
