"""Whole processes: from their start to the test accuracy they print, doing the same work on the same images."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.harness.bench_models import Entry
from experiments.harness.bench_rows import Row, blank_row, ratio_to_fastest
from experiments.harness.bench_workers import ROOT, Contender
from jaxcnn.data import Dataset, load

PROGRAMS = {
    "jaxcnn": "experiments.peers.jaxcnn_fit",
    "PyTorch": "experiments.peers.torch_fit",
    "Keras-TF": "experiments.peers.keras_fit",
    "Keras-JAX": "experiments.peers.keras_fit",
}


def end_to_end_rows(
    contenders: Sequence[Contender], entry: Entry, *, epochs: int, batch: int, data_dir: Path | None
) -> list[Row]:
    """A row a contender; ours twice, before and after its compiled programs are kept in a fresh folder."""
    train, test = (load("mnist", split=split, data_dir=data_dir) for split in ("train", "test"))
    label = f"{entry.label}, epochs: {epochs}, {describe(train)}"
    case = {"section": "end_to_end", "label": label, "batch": batch}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = write_job(folder, entry, train, test, epochs=epochs, batch=batch)
        able = [c for c in contenders if c.name in PROGRAMS]
        runs = [(c, c.name) for c in able] + [(c, f"{c.name}, second run") for c in able if c.name == "jaxcnn"]
        return with_ratios([{**case_row(case, shown, whole_run(c, job, folder))} for c, shown in runs])


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


def whole_run(contender: Contender, job: Path, folder: Path) -> dict[str, Any]:
    """Seconds from the process's start to the line with the accuracy, and that line; or the error."""
    print(f"end_to_end: {contender.name}", file=sys.stderr)
    kept = {"JAX_COMPILATION_CACHE_DIR": str(folder / "programs")} if contender.name == "jaxcnn" else {}
    start = time.perf_counter()
    with subprocess.Popen(
        [contender.python, "-m", PROGRAMS[contender.name], str(job)],
        cwd=ROOT,
        env={**os.environ, **contender.environment, **kept},
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


def case_row(case: Mapping[str, Any], name: str, told: Mapping[str, Any]) -> Row:
    """The row of one run; its "ms" is the wall clock."""
    row = blank_row(case, name, error=told.get("error"))
    seconds = told.get("seconds")
    return row | {"ms": None if seconds is None else seconds * 1e3, "test_accuracy": told.get("test_accuracy")}


def with_ratios(rows: Sequence[Row]) -> list[Row]:
    """The rows beside the fastest contender other than ours, or, for the others, than themselves."""
    ms = {row["contender"]: row["ms"] for row in rows if row["ms"]}
    found = []
    for row in rows:
        name = row["contender"]
        others = {
            other: value for other, value in ms.items() if not (name[:6] == other[:6] == "jaxcnn") or other == name
        }
        ratio, fastest = ratio_to_fastest(others, name) if name in others else (None, None)
        found.append(row | {"ratio": ratio, "fastest_other": fastest})
    return found
