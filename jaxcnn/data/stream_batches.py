"""Batches of a stream, on the device, with where the stream is: what `stream` gives."""

import contextlib
import sys
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Int32, Shaped

from jaxcnn.arguments import Int, as_int
from jaxcnn.data.batches import BatchReader
from jaxcnn.data.groups import GroupReader
from jaxcnn.data.read_ahead import read_ahead
from jaxcnn.data.sources import Pair
from jaxcnn.data.stream_state import Facts, facts_of


class Batch(NamedTuple):
    """Images and labels on the device; those that `Stream.take` gives have an axis of batches before the others."""

    images: Shaped[jax.Array, "*k n h w c"]
    labels: Int32[jax.Array, "*k n"]


class Stream:
    """An iterator over batches on the device that can say where it is; `stream` makes it.

    Batch i depends on the source, the seed, the batch size and i alone. After an error, and after `close`, iteration
    goes on with the batch that had not been given out.
    """

    def __init__(
        self, reader: BatchReader, epochs: int | None, position: int, ahead: dict[str, int], facts: Facts | None = None
    ):
        self._reader, self._epochs, self._position = reader, epochs, position
        self._ahead, self._facts = ahead, facts
        self._batches: Iterator[Batch] | None = None
        self._together: int | None = None  # batches that are read as one, or None for one by one

    @property
    def examples(self) -> int:
        """Images an epoch."""
        return len(self._reader.source)

    @property
    def batch_size(self) -> int:
        """Images a batch; the last one of an epoch holds what is left."""
        return self._reader.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch, the smaller one included."""
        return self._reader.steps_per_epoch

    @property
    def epochs(self) -> int | None:
        """Passes over the source, or None without end."""
        return self._epochs

    @property
    def position(self) -> int:
        """Batches given out so far, those before a resumption included."""
        return self._position

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(h, w, c)."""
        return self._reader.shape

    @property
    def dtype(self) -> np.dtype:
        """Of the images as the source gives them."""
        return np.dtype(self._reader.dtype)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Of the source, or None where it does not know."""
        return self._reader.source.class_names

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Batch:
        batch = self._next(None)
        self._position += 1
        return batch

    def take(self, count: Int) -> Batch:
        """The next `count` batches at once, stacked: images (k, n, h, w, c) and labels (k, n), as `next` gives each.

        Fewer where the epoch ends before; its smaller last batch comes alone, as k = 1. Small images are handed over
        many times as fast as by `next`, and memory holds groups where it held batches: `prefetch` batches are rounded
        up to whole groups. What was read ahead serves calls with one count; another count, or `next`, begins anew
        behind the batches that were given out.

        Raises:
          StopIteration: behind the last batch, as by `next`.
          ValueError: a count below 1, and what `next` raises.
        """
        group = self._next(as_int("count", count, minimum=1))
        self._position += len(group.labels)
        return group

    def state(self) -> dict[str, int | str]:
        """Where the stream is, small and ready for `json.dump`; `stream(source, …, state=…)` goes on from there."""
        self._facts = self._facts or facts_of(self._reader)
        return {**self._facts, "position": self._position}

    def seek(self, position: Int) -> None:
        """Goes on with that batch, counted over all epochs, as a stream made with such a state; `fit_stream` calls it.

        Raises:
          ValueError: it lies behind the end of `epochs`, or before 0.
        """
        stop = None if self._epochs is None else self._epochs * self.steps_per_epoch + 1
        position = as_int("position", position, minimum=0)
        if stop is not None and position >= stop:
            raise ValueError(f"position must be at most {stop - 1}, where the stream ends, got {position}")
        self.close()
        self._position = position

    def close(self) -> None:
        """Ends the threads or processes that read ahead; a later `next` starts them again."""
        batches, self._batches = self._batches, None
        if batches is not None:
            batches.close()  # pyright: ignore[reportAttributeAccessIssue]

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _next(self, together: int | None) -> Batch:
        if together != self._together:
            self.close()
        if self._batches is None:
            self._batches, self._together = self._read(together), together
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException:
            self.close()
            raise

    def _read(self, together: int | None) -> Iterator[Batch]:
        """The batches from the position on, each on its way to the device while the one before it is used."""
        stop = sys.maxsize if self._epochs is None else self._epochs * self.steps_per_epoch
        if self._position >= stop:
            return
        held = None
        with contextlib.closing(self._ahead_of(stop, together)) as found:  # pyright: ignore[reportArgumentType]
            for images, labels in found:
                ahead = Batch(jax.device_put(images), jax.device_put(labels))
                del images, labels  # else they lie in memory twice until the next ones have been read
                if held is not None:
                    yield held
                held = ahead
            assert held is not None
            yield held

    def _ahead_of(self, stop: int, together: int | None) -> Iterator[Pair]:
        if together is None:
            return read_ahead(self._reader, range(self._position, stop), **self._ahead)
        groups = GroupReader(self._reader, self._position, together)
        count = sys.maxsize if self._epochs is None else groups.groups(stop)
        prefetch = -(-self._ahead["prefetch"] // together)
        return read_ahead(groups, range(count), workers=self._ahead["workers"], prefetch=prefetch)
