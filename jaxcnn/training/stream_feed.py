"""Groups of a stream's batches for the steps of a run, each read while the device works on the one before it."""

import contextlib
from collections import deque
from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Array, Shaped
from numpy.typing import NDArray

from jaxcnn.training import checks
from jaxcnn.training.chunks import Chunk
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics
from jaxcnn.training.run import Run
from jaxcnn.training.state import TrainState
from jaxcnn.training.stream_call import BatchStream, GroupStream, ResumableStream, StreamCall
from jaxcnn.training.stream_programs import Group, StreamPrograms


class StreamFeed:
    """Steps on a stream. Chunks need not begin and end where groups do.

    A stream that can be put back is read ahead of the run, in front of which it stands while that goes on.
    """

    def __init__(self, call: StreamCall, programs: StreamPrograms):
        self._call, self._programs = call, programs
        self._groups: deque[tuple[Group, int]] = deque()  # each with the batches that it holds
        self._used = 0  # batches of the first one
        self._error: Exception | None = None

    def begin_epoch(self, run: Run) -> None:
        """Nothing: the stream has its own order."""

    def take_steps(self, run: Run, chunk: Chunk) -> tuple[TrainState, Metrics]:
        if self._error is not None:
            raise self._error
        self._read(chunk)  # all of it, before the first call takes the state's buffers
        state, sums, done = run.state, run.sums, 0
        while done < chunk.steps:
            group, offset, count = self._next(chunk.steps - done)
            where = jax.device_put(np.array((place_of(run) + done, offset, count), np.int32))
            state, sums = self._programs.steps[chunk.batch_size](state, sums, group, self._call.key, where)
            done += count
        return state, sums

    def look_ahead(self, run: Run) -> None:
        self._programs.start()
        chunk = _next_chunk(run)
        if chunk is not None and isinstance(self._call.stream, ResumableStream):
            try:
                self._read(chunk)
            except Exception as error:  # the epoch before it ends first, and the model receives it
                self._error = error

    def _read(self, chunk: Chunk) -> None:
        """Groups, until they hold the chunk's batches."""
        while (missing := chunk.steps - sum(count for _, count in self._groups) + self._used) > 0:
            self._groups.append(read_group(self._call, chunk.batch_size, missing))

    def _next(self, most: int) -> tuple[Group, int, int]:
        """A group, the first of its batches that is not used, and how many are to be used now."""
        (group, held), offset = self._groups[0], self._used
        count = min(most, held - offset)
        self._used += count
        if self._used == held:
            self._groups.popleft()
            self._used = 0
        return group, offset, count


def place_of(run: Run) -> int:
    """The stream's position behind the last batch that the run has trained on, or is training on."""
    return run.first - run.first % run.plan.steps_per_epoch + run.step


def put_in_place(stream: BatchStream, run: Run) -> None:
    """The stream goes on where the run does.

    Raises:
      ValueError: it stands elsewhere and can't be put there.
    """
    if stream.position == place_of(run):
        return
    if not isinstance(stream, ResumableStream):
        raise ValueError(
            f"the stream must stand at position {place_of(run)}, where the saved run goes on, got {stream.position};"
            " take one from jaxcnn.data.stream, which can be put there"
        )
    stream.seek(place_of(run))


@contextlib.contextmanager
def kept_in_place(stream: BatchStream, run: Run) -> Iterator[None]:
    """Whatever ends the run, batches that were read ahead and not trained on are still the stream's to give."""
    try:
        yield
    finally:
        if isinstance(stream, ResumableStream):
            put_in_place(stream, run)


def read_group(call: StreamCall, batch_size: int, missing: int) -> tuple[Group, int]:
    """The stream's next batches, of one size and epoch, and how many: as many as it gives at once, or the missing."""
    capacity, stream = call.plan.capacity(batch_size), call.stream
    if isinstance(stream, GroupStream):
        images, labels = stream.take(capacity)
    else:
        images, labels = (np.stack(arrays) for arrays in zip(*(next(stream) for _ in range(missing)), strict=True))
    if stream.class_names is None:
        _check_labels(call, jax.device_get(labels))
    return Group(*(jax.device_put(_extended(array, capacity)) for array in (images, labels))), len(labels)


def _extended(array: Shaped[NDArray | Array, "k *n"], capacity: int) -> NDArray | Array:
    """The array with batches behind it that nobody looks at."""
    if len(array) == capacity:
        return array
    found = jax.device_get(array)
    longer = np.empty((capacity, *found.shape[1:]), found.dtype)
    longer[: len(found)] = found
    return longer


def _check_labels(call: StreamCall, labels: Shaped[NDArray, "k n"]) -> None:
    """Where the stream does not know its classes, its labels are looked at one batch after the other."""
    first = call.stream.position - len(labels)
    for index, part in enumerate(labels):
        batch = Examples(np.empty((len(part), 0, 0, 0)), part)
        checks.check_labels(f"(batch {first + index} of the stream)", batch, call.classes)


def _next_chunk(run: Run) -> Chunk | None:
    """What follows where the run stands, or None at its end."""
    if run.position < run.plan.steps_per_epoch:
        return next(run.plan.chunks(run.epoch, run.position))
    return next(run.plan.chunks(run.epoch + 1)) if run.epoch + 1 < run.epochs else None
