"""Where the time of our training step goes: milliseconds by kind of work, from the profiler's own trace.

Run `python -m experiments.bench.profile`: about a minute on two cores. The program is that of `training.fit`,
in calls of as many steps, and the kinds add up to the traced step. Where two instructions run at once, each has half
of that moment, so that a rate beside another's work is what both cores gave to it.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro

from experiments.bench.cases import model_work
from experiments.bench.counts import layers_of
from experiments.bench.measure import matmul_peak
from experiments.bench.models import lecture_models
from experiments.bench.profile_tables import heading, lines_of, profile_tables
from experiments.bench.results import command
from experiments.bench.trace import DENSE, FORWARD, TO_INPUT, TO_KERNEL, Event, kinds_of, shared_time, with_rest
from experiments.bench.workers import own_contenders
from experiments.harness.command import run
from experiments.harness.environment import environment
from experiments.harness.results import open_folder
from experiments.harness.tables import print_table
from jaxcnn.geometry import as_int
from jaxcnn.visualization import write_atomically

TURNS = 3


@dataclass(frozen=True)
class Config:
    """Where the time of our training step goes."""

    models: Annotated[tuple[str, ...], tyro.conf.arg(help="Of the lectures, as the benchmark labels them.")] = (
        "convnet none",
        "convnet max",
        "lenet5",
    )
    batch: Annotated[int, tyro.conf.arg(help="Images a step.")] = 64
    calls: Annotated[int, tyro.conf.arg(help="Whole calls of the program in the trace.")] = 2
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json and table.md.")] = Path("runs/profile")


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print, write; returns the rows of `result.json`.

    Raises:
      ValueError: for an unknown model, or numbers that can't be meant.
    """
    entries = {entry.label: entry for entry in lecture_models()}
    if unknown := [label for label in config.models if label not in entries]:
        raise ValueError(f"--models must be among {', '.join(entries)}; got {', '.join(unknown)}")
    batch, calls = as_int("--batch", config.batch, minimum=1), as_int("--calls", config.calls, minimum=1)
    folder = open_folder(config.out)
    before = own_peak()
    rows = [profiled(model_work("step", entries[label], batch), label, calls) for label in config.models]
    peak = max(before, own_peak())
    where = environment() | {"command": command(sys.argv[1:], "experiments.bench.profile")}
    result = {"experiment": "profile", "environment": where, "matmul_flops": peak, "rows": rows}
    write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_atomically(folder / "table.md", profile_tables(result) + "\n")
    for row in rows:
        print_table(lines_of(row, peak), title=heading(row))
    return rows


def own_peak() -> float:
    """The machine's floating-point operations a second in our matrix product."""
    return max(matmul_peak(own_contenders(sys.executable)[:1], seconds=2.0).values())


def profiled(case: Mapping[str, Any], label: str, calls: int) -> dict[str, Any]:
    """label, batch, ms a step, the same while traced, whether oneDNN runs, and milliseconds and FLOPs by kind."""
    from experiments.peers.jaxcnn_worker import Training

    training = Training(case)
    steps = calls * training.steps_a_call
    training.run(steps)
    untraced = statistics.median(training.run(steps) for _ in range(TURNS)) / steps
    program: Any = training.programs.steps[case["batch"]]
    text = program.as_text()
    with tempfile.TemporaryDirectory() as folder:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0
        with jax.profiler.trace(folder, profiler_options=options):
            traced = training.run(steps) / steps
        times = shared_time(events_of(Path(folder), kinds_of(text)))
    by_kind = with_rest({kind: ns / 1e9 / steps for kind, ns in times.items()}, traced)
    flops = flops_by_kind(case)
    kinds = [{"kind": kind, "ms": seconds * 1e3, "flops": flops.get(kind)} for kind, seconds in by_kind.items()]
    told = {"ms": untraced * 1e3, "traced_ms": traced * 1e3, "onednn": "__onednn$" in text, "kinds": kinds}
    return {"label": label, "batch": case["batch"], "steps_a_call": training.steps_a_call, **told}


def events_of(folder: Path, kinds: Mapping[str, str]) -> list[Event]:
    """The instructions that ran, from the trace in the folder, in nanoseconds."""
    [file] = folder.rglob("*.xplane.pb")
    return [
        Event(kinds[event.name], event.start_ns, event.start_ns + event.duration_ns)
        for plane in jax.profiler.ProfileData.from_file(str(file)).planes
        for line in plane.lines
        for event in line.events
        if event.name in kinds
    ]


def flops_by_kind(case: Mapping[str, Any]) -> dict[str, int]:
    """Floating-point operations of a step's products, by direct arithmetic; the images need no gradient."""
    counted = [row for row in layers_of(case).rows if row.macs]
    convolved = [row.macs for row in counted if row.type == "Conv"]
    dense = sum(row.macs for row in counted) - sum(convolved)
    first = counted[0].macs
    macs = {FORWARD: sum(convolved), TO_INPUT: sum(convolved) - first, TO_KERNEL: sum(convolved), DENSE: 3 * dense}
    if not convolved:
        macs = {DENSE: 3 * dense - first}
    return {kind: 2 * case["batch"] * count for kind, count in macs.items()}


if __name__ == "__main__":
    run(main, Config)
