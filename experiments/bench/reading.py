"""Whether reading keeps up with training: images a second from each kind of source, alone and while a model trains.

Run `python -m experiments.bench.reading`: about six minutes on two cores. It writes 2,048 images of the
shipped sample as PNGs into class folders, as array_record files and as a cache of decoded images, streams them over and
over, times the parts of reading alone and the opening and first epoch of 60,000 images, and writes
docs/results/reading.json and docs/reading.md. Everything lies in the system's cache of files. Expect images in memory
and in a cache to be read faster than every model trains, which is why streams decode theirs before the first batch;
and small PNGs to be decoded at some 70,000 a second on one core: faster than all but the MLP trains, though at the cost
of the training, which has both cores busy.
"""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.bench.first_epoch import epoch_rows
from experiments.bench.floors import floor_rows
from experiments.bench.models import lecture_models
from experiments.bench.reading_page import IN_MEMORY, reading_page
from experiments.bench.reading_sources import sample, write_sources
from experiments.bench.seeds import OPTIMIZER, make_models
from experiments.bench.tables import number
from experiments.bench.timing import Run, take_turns
from experiments.harness.command import run
from experiments.harness.environment import environment
from experiments.harness.tables import print_table
from jaxcnn.data import Dataset, stream
from jaxcnn.data.stream_batches import Stream
from jaxcnn.training import fit, fit_stream
from jaxcnn.visualization import write_atomically

STEPS = 32  # batches an epoch, and those that are read together, as `fit_stream` does
FASTEST = "mlp"  # the lectures' model that trains fastest
CACHED = "cache of PNGs"


@dataclass(frozen=True)
class Config:
    """Whether reading keeps up with training."""

    models: Annotated[tuple[str, ...], tyro.conf.arg(help="Of the lectures, as the benchmark labels them.")] = tuple(
        entry.label for entry in lecture_models()
    )
    workers: Annotated[tuple[int, ...], tyro.conf.arg(help="Processes that read, where reading is timed alone.")] = (
        0,
        2,
    )
    batch_size: Annotated[int, tyro.conf.arg(help="Images a step.")] = 64
    images: Annotated[int, tyro.conf.arg(help="Of the set whose first epoch is timed.")] = 60_000
    seconds: Annotated[float, tyro.conf.arg(help="Of timing, a row and source.")] = 1.5
    result: Annotated[Path, tyro.conf.arg(help="The rows as JSON.")] = Path("docs/results/reading.json")
    page: Annotated[Path, tyro.conf.arg(help="The tables as Markdown.")] = Path("docs/reading.md")


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print tables, write both files, return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        sources = write_sources(Path(folder), sample(config.batch_size * STEPS))
        rows = [*reading_rows(sources, config, Path(folder)), *training_rows(sources, config, Path(folder))]
        rows += floor_rows(sources, config.seconds)
    timed = [_texts(row) for row in rows if row["section"] != "floor"]
    rows += _first_epochs(config)
    print_table(timed, title=f"Images a second, batch {config.batch_size}")
    told = {
        name: [str(v) for v in value] if isinstance(value, tuple) else str(value)
        for name, value in vars(config).items()
    }
    result = {"experiment": "reading", "config": told, "environment": environment(), "rows": rows}
    for path, text in ((config.result, json.dumps(result, indent=1)), (config.page, reading_page(result))):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.rstrip() + "\n")
    return rows


def _first_epochs(config: Config) -> list[dict[str, Any]]:
    (entry,) = (entry for entry in lecture_models() if entry.label == FASTEST)
    with tempfile.TemporaryDirectory() as folder:
        sources = write_sources(Path(folder), sample(config.images))
        make = partial(make_models, entry.model, entry.options, 1)
        timed = {"model": FASTEST, "batch_size": config.batch_size, "together": STEPS}
        return list(epoch_rows(sources, lambda: make()[0], **timed))


def reading_rows(sources: Mapping[str, Any], config: Config, folder: Path) -> list[dict[str, Any]]:
    """A row a source and way to read it: images a second, and the seconds until the first batches."""
    rows = []
    for workers, together in [(0, 1), *((workers, STEPS) for workers in config.workers)]:
        with contextlib.ExitStack() as stack:
            runs: dict[str, Run] = {}
            first = {}
            for name, batches in open_streams(sources, config, folder, workers):
                print(f"reading: {name}, {together} together, workers={workers}", file=sys.stderr)
                stack.enter_context(batches)
                runs[name] = partial(_read, batches, together)
                first[name] = _read(batches, together, 1)
            timings, _ = take_turns(runs, seconds=config.seconds)
        for name, timing in timings.items():
            rate = config.batch_size * STEPS / timing.ms * 1e3
            found = {"section": "reading", "source": name, "workers": workers, "together": together, "model": None}
            rows.append({**found, "images_per_second": rate, "first_seconds": first[name]})
    return rows


def training_rows(sources: Mapping[str, Any], config: Config, folder: Path) -> Iterator[dict[str, Any]]:
    """A row a model and source: images a second that a model trains on; none of them reads in other processes."""
    for entry in lecture_models():
        if entry.label not in config.models:
            continue
        print(f"training: {entry.label}", file=sys.stderr)
        with contextlib.ExitStack() as stack:
            make = partial(make_models, entry.model, entry.options, 1)
            runs: dict[str, Run] = {IN_MEMORY: partial(_fit, make()[0], sources["memory"], config.batch_size)}
            for name, batches in open_streams(sources, config, folder, 0):
                runs[name] = partial(_fit_stream, make()[0], stack.enter_context(batches))
            timings, _ = take_turns(runs, seconds=config.seconds)
        for name, timing in timings.items():
            rate = config.batch_size * STEPS / timing.ms * 1e3
            found = {"section": "training", "source": name, "workers": 0, "together": STEPS, "model": entry.label}
            yield {**found, "images_per_second": rate, "first_seconds": None}


def open_streams(
    sources: Mapping[str, Any], config: Config, folder: Path, workers: int
) -> Iterator[tuple[str, Stream]]:
    """Endless streams that keep nothing; and one of the PNGs with a cache."""
    options: dict[str, Any] = {"batch_size": config.batch_size, "seed": 0, "workers": workers}
    for name, source in sources.items():
        yield name, stream(source, **options, cache=None)
    yield CACHED, stream(sources["PNGs"], **options, cache=folder / "cache")


def _read(batches: Stream, together: int, epochs: int) -> float:
    start = time.perf_counter()
    for _ in range(epochs * STEPS // together):
        (next(batches) if together == 1 else batches.take(together)).images.block_until_ready()
    return time.perf_counter() - start


def _fit(model: Any, dataset: Dataset, batch_size: int, epochs: int) -> float:
    found = fit(model, dataset, epochs=epochs, batch_size=batch_size, optimizer=OPTIMIZER, progress=False)
    return sum(found.seconds)


def _fit_stream(model: Any, batches: Stream, epochs: int) -> float:
    return sum(fit_stream(model, batches, epochs=epochs, optimizer=OPTIMIZER, progress=False).seconds)


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    who = {"what": row["model"] or "reading alone", "source": row["source"]}
    who |= {"together": str(row["together"]), "workers": str(row["workers"])}
    return {**who, "images a second": number(row["images_per_second"])}


if __name__ == "__main__":
    run(main, Config)
