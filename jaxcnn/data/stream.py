"""Sets larger than memory: batches read ahead through Grain, shuffled, and resumed where they stopped."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int32, Shaped

from jaxcnn.arguments import Int, as_int
from jaxcnn.data.batches import BatchReader, checked_images
from jaxcnn.data.decode_once import MOST_SECONDS, decode_once
from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.decoded_file import with_cache
from jaxcnn.data.groups import GroupReader
from jaxcnn.data.named_source import named_source
from jaxcnn.data.read_ahead import check_workers, read_ahead
from jaxcnn.data.sources import Pair, Source, as_source
from jaxcnn.data.stream_state import Facts, checked_position, facts_of


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


def stream(
    source: Any,
    *,
    batch_size: Int,
    seed: Int,
    epochs: Int | None = None,
    workers: Int = 0,
    prefetch: Int = 2,
    cache: str | os.PathLike[str] | bool | None = True,
    state: Mapping[str, int | str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Stream:
    """Streams shuffled batches of a set that need not fit into memory.

    Each epoch is one permutation of the whole source; its last batch may be smaller and is kept. In memory lie
    `prefetch` batches read ahead, one read, one on its way to the device and one in use, and 8 bytes an image for the
    order; each worker process adds up to ceil(prefetch / workers) + 1 batches, and its copy of a source that lies in
    memory. Neither workers, prefetch nor cache change a batch. Pixels that lie in memory already need no
    stream: `training.fit` takes them as they are.

    Args:
      source: the name of a set as `load` takes it, such as `"mnist"`, `"tfds:cifar10"` or `"folder:PATH"`; a
        `Dataset` or anything else with `.images` and `.labels`; anything whose `source[i]` is
        `(image, label)` or `{"image": …, "label": …}`, such as `tfds.data_source(…)`; or a `Source`.
        Images are (h, w, c), of one shape, uint8 or floats; labels count from 0.
      batch_size: images a batch; more than the source holds means all of it.
      seed: of the shuffles.
      epochs: passes over the source; None goes on without end.
      workers: processes that read; 0 reads in threads of this one, which serves where decoding is quick.
        Processes start anew as Python does: a script must do its work below `if __name__ == "__main__":`.
      prefetch: batches to read ahead; 0 reads each one when it is asked for.
      cache: where a file of the decoded images is kept, from which they are read many times as fast; up to 64 MiB of
        them also in memory. All are decoded here, once, where that takes no more than about 30 seconds (3 where
        workers can do it meanwhile), which finds broken ones at once; else each at its first turn. True is this user's cache (`~/.cache/jaxcnn/decoded` on
        Linux), for folders and prepared sets that take no more than 2 GiB and a tenth of the disk's free space; of all
        that would take more than 2 GiB together, the oldest go. A folder of your own keeps any source; None or False
        nothing.
      state: what `Stream.state()` gave, to go on behind the batches that were given out by then.
      split: of a set given by name; None means "train".
      data_dir: of a set given by name, as `load` takes it.

    Returns:
      An iterator of `Batch`: images (n, h, w, c) as the source gives them and int32 labels (n,), on the device.

    Raises:
      ValueError: an empty source, a number out of range, an image or a label that does not fit (found when it is
        decoded, and named by its number or file), or a state of another source, seed or batch size; what `load`
        refuses.
      TypeError: a source that is none of these; or, while it is read, one that no worker process can be given.
      OSError: a folder named by `cache` that can't be written.
      RuntimeError: while it is read: a worker process has ended.
    """
    found = _opened(source, split, data_dir)
    size = min(as_int("batch_size", batch_size, minimum=1), len(found))
    ahead = {name: as_int(name, value, minimum=0) for name, value in (("workers", workers), ("prefetch", prefetch))}
    passes = None if epochs is None else as_int("epochs", epochs, minimum=0)
    check_workers(ahead["workers"], found)
    first = checked_images(found.read(np.arange(1))[0], np.arange(1), found)
    found = with_cache(found, cache, first.shape[1:], first.dtype)
    reader = BatchReader(found, size, as_int("seed", seed, minimum=0), first.shape[1:], first.dtype.name)
    facts, position = None, 0
    if state is not None:
        facts = facts_of(reader)
        position = checked_position(state, facts, passes, reader.steps_per_epoch)
    if isinstance(found, DecodedSource):
        decode_once(found, reader.read_rows, most_seconds=MOST_SECONDS[ahead["workers"] > 0])
    return Stream(reader, passes, position, ahead, facts)


def _opened(source: Any, split: str | None, data_dir: str | os.PathLike[str] | None) -> Source:
    if isinstance(source, str):
        return as_source(named_source(source, split=split or "train", data_dir=data_dir))
    if split is not None or data_dir is not None:
        raise ValueError(
            "split and data_dir must be left out where source is no name of a set; give them to the source"
        )
    return as_source(source)
