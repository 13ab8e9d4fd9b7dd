"""Grain reads batches ahead, in threads of this process or in processes of its own, and gives them out in order."""

import contextlib
import math
import os
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxcnn.data.batches import BatchReader
from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.groups import GroupReader
from jaxcnn.data.sources import ArraySource, Pair, Source

_GUARD = 'if __name__ == "__main__":'
_SMALL = 2**14  # values of an image whose decoding costs less than threads that wait for one another


def read_ahead(
    reader: BatchReader | GroupReader, start: int, stop: int, *, workers: int, prefetch: int
) -> Iterator[Pair]:
    """The batches, or groups, `start` to `stop`, read before they are asked for; closing the iterator ends who reads.

    Raises:
      RuntimeError: a process that reads has ended, with its exit code and what that may mean.
    """
    import grain  # a second to import, and needed by streams alone

    workers = min(workers, stop - start)
    threads = 0 if workers else min(prefetch, _threads(reader))
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=prefetch if threads else 0)
    batches = grain.MapDataset.range(start, stop).map(reader).to_iter_dataset(options)
    if workers:
        _let_flags_be_read()
        each = max(1, -(-prefetch // workers))
        # By pipes: shared memory is freed in `__del__`, where Python drops a Ctrl-C, and outlives a killed program.
        piped = grain.experimental.DatasetOptions(min_shm_size=sys.maxsize)
        batches = grain.experimental.WithOptionsIterDataset(batches, piped)
        batches = batches.mp_prefetch(grain.MultiprocessingOptions(workers, each), _begin)
    with contextlib.closing(iter(batches)) as found:
        yield from _explained(found, workers)


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
        print(f"a script that streams with workers must do its work below {_GUARD}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


def _main_is_being_read() -> bool:
    """Whether the caller is the script's own top level, run anew as Python does it for each process."""
    frames = (frame for frame, _ in traceback.walk_stack(None))
    return any(f.f_globals.get("__name__") == "__mp_main__" and f.f_code.co_name == "<module>" for f in frames)


def _explained(batches: Iterator[Pair], workers: int) -> Iterator[Pair]:
    try:
        yield from batches
    except RuntimeError as error:
        code = re.search(r"terminated unexpectedly with exit code (-?\d+)", str(error))
        if code is None:
            raise
        raise RuntimeError(_ended(int(code[1]), workers)) from error


def _ended(code: int, workers: int) -> str:
    if code < 0:
        return (
            f"one of {workers} processes that read was ended by signal {-code}, as systems do where memory is short;"
            " take fewer workers or smaller batches, and go on from the stream's state"
        )
    return (
        f"one of {workers} processes that read ended with exit code {code}, and its own words are above; a script"
        f" that streams with workers must do its work below {_GUARD}, since each of them reads the script first;"
        " workers=0 needs no processes"
    )


def _begin(index: int, count: int) -> None:
    """In each process: Ctrl-C is the parent's to handle, and where the parent is gone, nobody is read for."""
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _let_flags_be_read() -> None:
    # Grain's processes ask absl for flags, which absl refuses in a program that is not started by its own `app.run`.
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
