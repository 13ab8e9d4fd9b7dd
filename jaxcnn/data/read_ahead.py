"""Grain reads batches ahead, in threads of this process or in those of others, and gives them out in order."""

import contextlib
import functools
import math
import os
import sys
import traceback
from collections.abc import Iterator

import numpy as np

from jaxcnn.data.batches import BatchReader
from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.groups import GroupReader
from jaxcnn.data.processes import GUARD, read_in_processes
from jaxcnn.data.sources import ArraySource, Pair, Source

_SMALL = 2**14  # values of an image whose decoding costs less than threads that wait for one another


def read_ahead(reader: BatchReader | GroupReader, indices: range, *, workers: int, prefetch: int) -> Iterator[Pair]:
    """These batches, or groups, read before they are asked for; closing the iterator ends who reads.

    Raises:
      TypeError: processes are to read a source that can't be pickled.
      RuntimeError: a process that reads has ended, with its exit code and what that may mean.
    """
    workers = min(workers, len(indices))
    if not workers:
        return _read_in_threads(reader, min(prefetch, _threads(reader)), prefetch, indices)
    each = -(-prefetch // workers)
    return read_in_processes(functools.partial(_read_in_threads, reader, min(1, each), each), indices, workers)


def _read_in_threads(reader: BatchReader | GroupReader, threads: int, prefetch: int, indices: range) -> Iterator[Pair]:
    import grain  # a second to import, and needed by streams alone

    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=prefetch if threads else 0)
    batches = grain.MapDataset.range(indices.start, indices.stop, indices.step).map(reader)
    with contextlib.closing(iter(batches.to_iter_dataset(options))) as found:
        yield from found


def _threads(reader: BatchReader | GroupReader) -> int:
    """How many threads read fastest: none where a copy is all, as handing over a batch costs more."""
    small = math.prod(reader.shape) <= _SMALL
    if isinstance(reader.source, ArraySource) or (small and isinstance(reader.source, DecodedSource)):
        return 0
    return 1 if small else 2


def check_workers(workers: int, source: Source) -> None:
    """Refuse processes where they can't serve.

    Where this very process is one, started by a script that does its work while it is read, it ends here with a
    sentence: Python would start it over and over.

    Raises:
      ValueError: for a file that is mapped into memory, which each process would copy whole.
    """
    if workers and isinstance(source, ArraySource) and isinstance(source.images, np.memmap):
        raise ValueError(
            f"workers must be 0 for images of a memory-mapped array, as each process would copy it whole, got {workers}"
        )
    if workers and _main_is_being_read():
        print(f"a script that streams with workers must do its work below {GUARD}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


def _main_is_being_read() -> bool:
    """Whether the caller is the script's own top level, run anew as Python does it for each process."""
    frames = (frame for frame, _ in traceback.walk_stack(None))
    return any(f.f_globals.get("__name__") == "__mp_main__" and f.f_code.co_name == "<module>" for f in frames)
