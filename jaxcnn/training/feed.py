"""Where the steps of a run get their batches: the one place in which `fit` and `fit_stream` differ."""

from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Key

from jaxcnn.training.chunks import Chunk
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics
from jaxcnn.training.programs import Programs
from jaxcnn.training.run import Run
from jaxcnn.training.state import TrainState


@runtime_checkable
class Feed(Protocol):
    """The steps of one run, a chunk at a time, each chunk with its own batches."""

    def begin_epoch(self, run: Run) -> None:
        """Before the chunks of an epoch, or of what is left of it."""
        ...

    def take_steps(self, run: Run, chunk: Chunk) -> tuple[TrainState, Metrics]:
        """The chunk's steps, under way on the device: the run's state and sums after them."""
        ...

    def look_ahead(self, run: Run) -> None:
        """While the device works on a chunk: make the next one ready. What fails here fails when its turn comes."""
        ...


class MemoryFeed:
    """Steps on a set that lies on the device as a whole and is shuffled there."""

    def __init__(self, programs: Programs, examples: Examples, key: Key[Array, ""]):
        self._programs, self._examples, self._key = programs, examples, key

    def begin_epoch(self, run: Run) -> None:
        self._order = self._programs.order(self._key, jax.device_put(np.int32(run.epoch)))

    def take_steps(self, run: Run, chunk: Chunk) -> tuple[TrainState, Metrics]:
        where = jax.device_put((np.int32(chunk.offset), np.int32(chunk.steps)))
        step = self._programs.steps[chunk.batch_size]
        return step(run.state, run.sums, self._examples, self._order, *where)

    def look_ahead(self, run: Run) -> None:
        """Nothing is read; what later steps need compiles now, behind the first ones rather than before them."""
        self._programs.start()
