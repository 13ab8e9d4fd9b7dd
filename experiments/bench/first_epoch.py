"""What opening a stream takes, and its first epoch beside a later one: of a folder, and of prepared sets."""

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

from experiments.bench.seeds import OPTIMIZER
from jaxcnn.data import stream
from jaxcnn.data.stream_batches import Stream
from jaxcnn.training import fit_stream

FOLDER, PREPARED, UNKEPT = "folder of PNGs", "prepared by experiments.prepare", "prepared by others"
TIMES = 3


def epoch_rows(
    sources: Mapping[str, Any], make_model: Callable[[], Any], *, model: str, batch_size: int, together: int
) -> Iterator[dict[str, Any]]:
    """A row a source, read alone and while a model trains: seconds of opening it first and again, and of two epochs.

    Args:
      sources: "PNGs" and "array_record", of the same images.
      make_model: a new one of the fastest model.
      model: its name.
      batch_size: images a step.
      together: batches that are read at once.
    """
    kinds = {FOLDER: sources["PNGs"], PREPARED: sources["array_record"], UNKEPT: sources["array_record"]}
    for name, source in kinds.items():
        for trained in (None, model):
            print(f"first epoch: {name}, {trained or 'read alone'}", file=sys.stderr)
            found = [
                _seconds(source, make_model() if trained else None, batch_size, together, filled=name == PREPARED)
                for _ in range(TIMES)
            ]
            opening, again, first, later = (statistics.median(times) for times in zip(*found, strict=True))
            row = {"section": "epoch", "source": name, "model": trained, "images": len(source)}
            row |= {"opening_seconds": opening, "again_seconds": again}
            yield row | {"first_seconds": first, "later_seconds": later}


def _seconds(source: Any, model: Any, batch_size: int, together: int, *, filled: bool) -> tuple[float, ...]:
    with tempfile.TemporaryDirectory() as folder:
        if filled:  # as `prepare` leaves it
            _opened(source, batch_size, folder)[0].close()
        batches, opening = _opened(source, batch_size, folder)
        with batches:
            epochs = _read(batches, together) if model is None else _train(batches, model)
        other, again = _opened(source, batch_size, folder)
        other.close()
        return opening, again, *epochs


def _opened(source: Any, batch_size: int, folder: str) -> tuple[Stream, float]:
    start = perf_counter()
    return stream(source, batch_size=batch_size, seed=0, epochs=2, cache=folder), perf_counter() - start


def _read(batches: Stream, together: int) -> tuple[float, float]:
    seconds = []
    for epoch in (1, 2):
        start = perf_counter()
        while batches.position < epoch * batches.steps_per_epoch:
            batches.take(together).images.block_until_ready()
        seconds.append(perf_counter() - start)
    return seconds[0], seconds[1]


def _train(batches: Stream, model: Any) -> tuple[float, float]:
    first, later = fit_stream(model, batches, epochs=2, optimizer=OPTIMIZER, progress=False).seconds
    return first, later
