"""Whole processes: from their start to the test accuracy they print, doing the same work on the same images."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.models import Entry
from experiments.bench.rows import Row, blank_row, ratio_to_fastest
from experiments.bench.workers import ROOT, Contender
from jaxcnn.data import Dataset, load

PROGRAMS = {
    "jaxcnn": "experiments.peers.jaxcnn_fit",
    "PyTorch": "experiments.peers.torch_fit",
    "Keras-TF": "experiments.peers.keras_fit",
    "Keras-JAX": "experiments.peers.keras_fit",
}


Run = Callable[[Contender], dict[str, Any]]

ROUNDS = 3


def end_to_end_rows(
    contenders: Sequence[Contender], entry: Entry, *, epochs: int, batch: int, data_dir: Path | None
) -> list[Row]:
    """A row a contender: the median of its runs; ours compiles its programs anew in each."""
    train, test = (load("mnist", split=split, data_dir=data_dir) for split in ("train", "test"))
    label = f"{entry.label}, epochs: {epochs}, {describe(train)}"
    case = {"section": "end_to_end", "label": label, "batch": batch}
    able = [contender for contender in contenders if contender.name in PROGRAMS]
    with tempfile.TemporaryDirectory() as name:
        job = write_job(Path(name), entry, train, test, epochs=epochs, batch=batch)
        told = take_turns(able, lambda contender: whole_run(contender, job))
    return with_ratios([case_row(case, name, runs) for name, runs in told.items()])


def take_turns(contenders: Sequence[Contender], run: Run) -> dict[str, list[dict[str, Any]]]:
    """What each contender told in its runs: A B, B A, A B, so that the machine's moods meet all alike.

    Who needs more than twice as long as the fastest, or fails, runs once.
    """
    told: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in contenders}
    for number in range(ROUNDS):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            if number == 0 or contender.name in close(told):
                told[contender.name].append(run(contender))
    return told


def close(told: Mapping[str, Sequence[Mapping[str, Any]]]) -> set[str]:
    """The contenders whose first run was at most twice as long as the fastest one's."""
    first = {name: runs[0]["seconds"] for name, runs in told.items() if "seconds" in runs[0]}
    return {name for name, seconds in first.items() if seconds <= 2 * min(first.values())}


def describe(train: Dataset) -> str:
    """Such as "full mnist (60,000 images)"."""
    kind = "the shipped sample of" if train.source == "sample" else "full"
    return f"{kind} {train.name} ({len(train):,} images)"


def write_job(folder: Path, entry: Entry, train: Dataset, test: Dataset, *, epochs: int, batch: int) -> Path:
    """The images as .npy files, and a JSON file that says what to do with them."""
    for name, array in {"x": train.images, "y": train.labels, "tx": test.images, "ty": test.labels}.items():
        np.save(folder / f"{name}.npy", array)
    case = {
        "model": entry.model,
        "options": entry.options,
        "layers": list(entry.layers),
        "image": list(train.images.shape[1:]),
        "classes": len(train.class_names),
    }
    job = folder / "job.json"
    job.write_text(json.dumps({"folder": str(folder), "epochs": epochs, "batch": batch, **case}), "utf-8")
    return job


def whole_run(contender: Contender, job: Path) -> dict[str, Any]:
    """Seconds from the process's start to the line with the accuracy, and that line; or the error."""
    print(f"end_to_end: {contender.name}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as programs:
        start = time.perf_counter()
        with subprocess.Popen(
            [contender.python, "-m", PROGRAMS[contender.name], str(job)],
            cwd=ROOT,
            env={**os.environ, **contender.environment, "JAX_COMPILATION_CACHE_DIR": programs},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            answer = next((line for line in process.stdout if line.startswith("{")), None)
            seconds = time.perf_counter() - start
    return (
        {"error": "the process printed no accuracy"} if answer is None else {"seconds": seconds, **json.loads(answer)}
    )


def case_row(case: Mapping[str, Any], name: str, runs: Sequence[Mapping[str, Any]]) -> Row:
    """The row of one contender; its "ms" is the wall clock, the median of its runs, its accuracy that of the first."""
    error = next((run["error"] for run in runs if "error" in run), None)
    row = blank_row(case, name, error=error) | {"test_accuracy": runs[0].get("test_accuracy")}
    return row if error else row | {"ms": statistics.median(run["seconds"] for run in runs) * 1e3, "turns": len(runs)}


def with_ratios(rows: Sequence[Row]) -> list[Row]:
    """The rows beside the fastest other contender."""
    ms = {row["contender"]: row["ms"] for row in rows if row["ms"]}
    ratios = {name: dict(zip(("ratio", "fastest_other"), ratio_to_fastest(ms, name), strict=True)) for name in ms}
    return [row | ratios.get(row["contender"], {}) for row in rows]
