"""Sets larger than memory: batches read ahead through Grain, shuffled, and resumed where they stopped."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int32, Shaped

from jaxcnn.arguments import Int, as_int, shown
from jaxcnn.data.batches import BatchReader, checked_images
from jaxcnn.data.decoded import keep_decoded
from jaxcnn.data.named_source import named_source
from jaxcnn.data.read_ahead import check_workers, read_ahead
from jaxcnn.data.sources import Source, as_source, fingerprint

Facts = dict[str, int | str]  # what a state says of its stream, but for the position


class Batch(NamedTuple):
    """Images and labels on the device."""

    images: Shaped[jax.Array, "n h w c"]
    labels: Int32[jax.Array, " n"]


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
        if self._batches is None:
            self._batches = self._read()
        try:
            batch = next(self._batches)
        except StopIteration:
            raise
        except BaseException:
            self.close()
            raise
        self._position += 1
        return batch

    def state(self) -> dict[str, int | str]:
        """Where the stream is, small and ready for `json.dump`; `stream(source, …, state=…)` goes on from there."""
        self._facts = self._facts or _facts(self._reader)
        return {**self._facts, "position": self._position}

    def close(self) -> None:
        """Ends the threads or processes that read ahead; a later `next` starts them again."""
        batches, self._batches = self._batches, None
        if batches is not None:
            batches.close()  # pyright: ignore[reportAttributeAccessIssue]

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self) -> Iterator[Batch]:
        """The batches from the position on, each on its way to the device while the one before it is used."""
        stop = sys.maxsize if self._epochs is None else self._epochs * self.steps_per_epoch
        if self._position >= stop:
            return
        held = None
        ahead = read_ahead(self._reader, self._position, stop, **self._ahead)
        with contextlib.closing(ahead) as found:  # pyright: ignore[reportArgumentType]
            for images, labels in found:
                ahead = Batch(jax.device_put(images), jax.device_put(labels))
                if held is not None:
                    yield held
                held = ahead
            assert held is not None
            yield held


def stream(
    source: Any,
    *,
    batch_size: Int,
    seed: Int,
    epochs: Int | None = None,
    workers: Int = 0,
    prefetch: Int = 2,
    cache: str | os.PathLike[str] | None = None,
    state: Mapping[str, int | str] | None = None,
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
) -> Stream:
    """Streams shuffled batches of a set that need not fit into memory.

    Each epoch is one permutation of the whole source; its last batch may be smaller and is kept. In memory lie
    `prefetch` batches read ahead, one read, one on its way to the device and one in use, and 8 bytes an image for the
    order; each worker process adds up to 2 × ceil(prefetch / workers) + 1 batches, and its copy of a source that lies
    in memory. Neither workers, prefetch nor cache change a batch. For pixels that lie in memory already,
    `training.fit` is faster.

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
      cache: a folder for a file of the decoded images, filled as they are first read, from which later epochs and runs
        read ten times as fast as they decode small PNGs; may be removed between runs. None keeps nothing.
      state: what `Stream.state()` gave, to go on behind the batches that were given out by then.
      split: of a set given by name; None means "train".
      data_dir: of a set given by name, as `load` takes it.

    Returns:
      An iterator of `Batch`: images (n, h, w, c) as the source gives them and int32 labels (n,), on the device.

    Raises:
      ValueError: an empty source, a number out of range, an image or a label that does not fit (found when it is read,
        and named by its number or file), or a state of another source, seed or batch size; what `load` refuses.
      TypeError: a source that is none of these.
      OSError: a cache that can't be written.
      RuntimeError: while it is read: a worker process has ended.
    """
    found = _opened(source, split, data_dir)
    size = min(as_int("batch_size", batch_size, minimum=1), len(found))
    ahead = {name: as_int(name, value, minimum=0) for name, value in (("workers", workers), ("prefetch", prefetch))}
    passes = None if epochs is None else as_int("epochs", epochs, minimum=0)
    check_workers(ahead["workers"], found)
    first = checked_images(found.read(np.arange(1))[0], np.arange(1), found)
    if cache is not None:
        found = keep_decoded(found, cache, first.shape[1:], first.dtype)
    reader = BatchReader(found, size, as_int("seed", seed, minimum=0), first.shape[1:], first.dtype.name)
    if state is None:
        return Stream(reader, passes, 0, ahead)
    facts = _facts(reader)
    return Stream(reader, passes, _checked_position(state, facts, passes, reader.steps_per_epoch), ahead, facts)


def _opened(source: Any, split: str | None, data_dir: str | os.PathLike[str] | None) -> Source:
    if isinstance(source, str):
        return as_source(named_source(source, split=split or "train", data_dir=data_dir))
    if split is not None or data_dir is not None:
        raise ValueError(
            "split and data_dir must be left out where source is no name of a set; give them to the source"
        )
    return as_source(source)


def _facts(reader: BatchReader) -> Facts:
    return {
        "version": 1,
        "examples": len(reader.source),
        "batch_size": reader.batch_size,
        "seed": reader.seed,
        "source": fingerprint(reader.source),
    }


def _checked_position(state: Mapping[str, int | str], facts: Facts, epochs: int | None, steps_per_epoch: int) -> int:
    if not isinstance(state, Mapping) or not isinstance(state.get("position"), int):
        raise ValueError(f"state must be what Stream.state() returned, got {shown(state)}; save that, whole")
    for name, now in facts.items():
        if state.get(name) != now:
            raise ValueError(
                f"state belongs to another stream, whose {name} was {shown(state.get(name))} and here is {now!r};"
                " pass the unchanged source, seed and batch_size, or leave state out to begin anew"
            )
    position = as_int("state['position']", state["position"], minimum=0)
    if epochs is not None and position > epochs * steps_per_epoch:
        raise ValueError(
            f"state lies {position} batches into the stream, but epochs={epochs} end after"
            f" {epochs * steps_per_epoch}; pass more epochs"
        )
    return position
