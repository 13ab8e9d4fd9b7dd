"""Images decoded before the first batch, where all of them take little time: reading then waits for no decoder."""

import contextlib
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.progress import bar
from jaxcnn.data.sources import Pair

MOST_SECONDS = 30.0  # that whoever opens a stream is made to wait
FEWER_SECONDS = 3.0  # where processes can read while the others are used
_UNSEEN = 2.0  # seconds that need no bar
_SETTLED = 0.25  # seconds behind which the rest is foreseen, as the first images take longer than others
_FIRST, _TOGETHER = 16, 2**22  # images that are read at first; bytes of images that are read together at most
_PROBES = 64


def decode_once(
    source: DecodedSource,
    read: Callable[[NDArray], Pair],
    *,
    what: str = "decoding images, once",
    most_seconds: float = MOST_SECONDS,
) -> None:
    """Reads all images in their order, so that they are kept; nothing where that was done before.

    It ends early where all would take longer, and where the cache keeps nothing: the others are decoded at their turn.

    Args:
      source: what keeps the images.
      read: gives the images and labels of some numbers from `source`, or raises what it should.
      what: beside the bar, which is shown where it takes a while.
      most_seconds: that all may take.
    """
    total = len(source)
    if not source.lacks(np.unique(np.linspace(0, total - 1, _PROBES).astype(np.int64))):
        return
    begun, advance = time.monotonic(), None
    with contextlib.ExitStack() as stack:
        for rows in _parts(total, max(_FIRST, _TOGETHER // (source.size // total))):
            read(rows)
            seconds = _foreseen(time.monotonic() - begun, (int(rows[-1]) + 1) / total)
            if seconds > most_seconds or source.lacks(rows):
                return
            if advance is not None:
                advance(len(rows))
            elif seconds > _UNSEEN:
                advance = stack.enter_context(bar(what, total))
                advance(int(rows[-1]) + 1)


def _parts(total: int, most: int) -> Iterator[NDArray]:
    """All numbers in their order: few at first, as each may take long, then twice as many, up to `most`."""
    start, together = 0, _FIRST
    while start < total:
        yield np.arange(start, min(start + together, total))
        start, together = start + together, min(2 * together, most)


def _foreseen(seconds: float, share: float) -> float:
    """What all takes where a share of it took so long."""
    return 0.0 if seconds < _SETTLED or share == 1 else seconds / share
