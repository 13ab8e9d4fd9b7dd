"""Sets larger than memory: batches read ahead through Grain, shuffled, and resumed where they stopped."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxcnn.arguments import Int, as_int
from jaxcnn.data.batches import BatchReader, checked_images
from jaxcnn.data.decode_once import FEWER_SECONDS, MOST_SECONDS, decode_once
from jaxcnn.data.decoded import DecodedSource
from jaxcnn.data.decoded_file import with_cache
from jaxcnn.data.named_source import named_source
from jaxcnn.data.read_ahead import check_workers
from jaxcnn.data.sources import Source, as_source
from jaxcnn.data.stream_batches import Stream
from jaxcnn.data.stream_state import checked_position, facts_of


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
        workers can do it meanwhile), which finds broken ones at once; else each at its first turn. True is this user's
        cache (`~/.cache/jaxcnn/decoded` on Linux), for folders and prepared sets that take no more than 2 GiB and a
        tenth of the disk's free space; of all that would take more than 2 GiB together, the oldest go. A folder of your
        own keeps any source; None or False nothing.
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
        decode_once(found, reader.read_rows, most_seconds=FEWER_SECONDS if ahead["workers"] else MOST_SECONDS)
    return Stream(reader, passes, position, ahead, facts)


def _opened(source: Any, split: str | None, data_dir: str | os.PathLike[str] | None) -> Source:
    if isinstance(source, str):
        return as_source(named_source(source, split=split or "train", data_dir=data_dir))
    if split is not None or data_dir is not None:
        raise ValueError(
            "split and data_dir must be left out where source is no name of a set; give them to the source"
        )
    return as_source(source)
