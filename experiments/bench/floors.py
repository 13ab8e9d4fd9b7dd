"""What reading can't be faster than: the parts of it that the system, zlib, Pillow and array_record do, each alone."""

import os
import random
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from experiments.bench.timing import Run, take_turns
from jaxcnn.data.png import plain_rows, unfiltered

OPENED, INFLATED, UNFILTERED = "files opened, read and closed", "zlib.decompress", "filters undone by Pillow"
ALL, RECORDS, ALL_OF_RECORDS = "all, as a folder is read", "array_record's records", "all, as a prepared set is read"
NEEDED = (OPENED, INFLATED, UNFILTERED)  # of a folder, whoever reads it
_TOGETHER = 2**10  # images a call, so that two threads have one each
_MOST = 2**12  # bytes of a small file


def floor_rows(sources: Mapping[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
    """A row a part and number of threads: images a second, in random order, of PNGs of 28×28 grey pixels.

    Args:
      sources: "PNGs", a `FolderSource`, and "array_record", a `PreparedSource`, of the same images.
      seconds: of timing, a row.
    """
    count = len(sources["PNGs"])
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            runs: dict[str, Run] = {
                part: partial(_timed, work, list(_pieces(items)), pool, threads)
                for part, (work, items) in _parts(sources)
            }
            timings, _ = take_turns(runs, seconds=seconds)
        for part, timing in timings.items():
            found = {"section": "floor", "source": part, "threads": threads, "cores": os.cpu_count()}
            yield found | {"images_per_second": count / timing.fastest * 1e3}  # whatever else the machine did


def _parts(sources: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Callable[..., object], Sequence[Any]]]]:
    files, prepared = sources["PNGs"], sources["array_record"]
    rows = list(range(len(files)))
    random.Random(0).shuffle(rows)
    paths = [os.fspath(files.paths[row]) for row in rows]
    contents = [Path(path).read_bytes() for path in paths]
    yield OPENED, (_read_files, paths)
    yield INFLATED, (_inflate, [_packed(content) for content in contents])
    yield UNFILTERED, (_unfilter, [plain_rows(content) for content in contents])
    yield ALL, (lambda part: files.read(np.array(part)), rows)
    yield RECORDS, (prepared.records.__getitems__, rows)
    yield ALL_OF_RECORDS, (lambda part: prepared.read(np.array(part)), rows)


def _pieces(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER))


def _timed(
    work: Callable[..., object], pieces: Sequence[Any], pool: ThreadPoolExecutor, threads: int, passes: int
) -> float:
    def share(turn: int) -> None:
        for _ in range(passes):
            for piece in pieces[turn::threads]:
                work(piece)

    start = perf_counter()
    list(pool.map(share, range(threads)))
    return perf_counter() - start


def _read_files(paths: Sequence[str]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.read(descriptor, _MOST)
        os.close(descriptor)


def _inflate(packed: Sequence[bytes]) -> None:
    for data in packed:
        zlib.decompress(data)


def _unfilter(images: Sequence[Any]) -> None:
    unfiltered(images[0].shape, [rows.filtered for rows in images])


def _packed(content: bytes) -> bytes:
    """The data of a PNG that has one part of it."""
    at = content.index(b"IDAT")
    return content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at], "big")]
