"""Several batches of a stream read as one, for whoever trains on many of them in one call."""

import dataclasses

from jaxcnn.data.batches import BatchReader
from jaxcnn.data.sources import Pair, Source


@dataclasses.dataclass(frozen=True, eq=False)
class GroupReader:
    """Reads groups of batches, stacked: those of one epoch and size, `count` of them or what the epoch has left.

    Attributes:
      reader: of single batches.
      start: the batch with which group 0 begins.
      count: batches a group, at most.
    """

    reader: BatchReader
    start: int
    count: int

    @property
    def source(self) -> Source:
        return self.reader.source

    @property
    def shape(self) -> tuple[int, ...]:
        return self.reader.shape

    def __call__(self, index: int) -> Pair:
        first, count = self.span(int(index))
        images, labels = self.reader.read(first, count)
        size = len(labels) // count
        return images.reshape(count, size, *images.shape[1:]), labels.reshape(count, size)

    def span(self, index: int) -> tuple[int, int]:
        """The first batch of a group, counted over all epochs, and how many it holds."""
        epoch, begun = divmod(self.start, self.reader.steps_per_epoch)
        later = index - self._groups(begun)
        if later >= 0:
            more, index = divmod(later, self._groups(0))
            epoch, begun = epoch + 1 + more, 0
        whole = len(self.source) // self.reader.batch_size
        step = min(begun + index * self.count, whole)
        return epoch * self.reader.steps_per_epoch + step, max(1, min(self.count, whole - step))

    def groups(self, stop: int) -> int:
        """How many there are up to batch `stop`, where an epoch ends."""
        epochs, begun = divmod(self.start, self.reader.steps_per_epoch)
        return self._groups(begun) + (stop // self.reader.steps_per_epoch - epochs - 1) * self._groups(0)

    def _groups(self, begun: int) -> int:
        """In an epoch of which some batches are over; the smaller last batch is one of its own."""
        whole = len(self.source) // self.reader.batch_size
        return -(-(whole - begun) // self.count) + self.reader.steps_per_epoch - whole
