"""A source whose decoded images are kept in a file, so that each is decoded once."""

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from jaxcnn.data.records import RecordFile, open_records, pack, record_size, unpack
from jaxcnn.data.sources import Pair, Source


@dataclasses.dataclass(frozen=True, eq=False)
class DecodedSource:
    """A source and the file that keeps what was read from it; `with_cache` makes it.

    A record that was never written, or only in part, fails its check sum and is read from the source: whoever is
    stopped while he writes, or writes beside another, does no harm.

    Attributes:
        source: what is kept.
        path: the file.
        shape, dtype: of an image.
        optional: whether to go on without the file where it can't be used.
        new: whether nothing has been written yet.
    """

    source: Source
    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    optional: bool
    new: bool

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.source.class_names

    def __len__(self) -> int:
        return len(self.source)

    def name_of(self, row: int) -> str:
        return self.source.name_of(row)

    def identity(self) -> bytes:
        return self.source.identity()

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self) * record_size(math.prod(self.shape) * self.dtype.itemsize)

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        try:
            return self._read(rows)
        except OSError as error:
            if not self._goes_on(error):
                raise
            return self.source.read(rows)

    def lacks(self, rows: Shaped[NDArray, " m"]) -> bool:
        """Whether any of these images would be read from the source."""
        try:
            return len(self._kept.missing(rows)) > 0
        except OSError as error:
            if not self._goes_on(error):
                raise
            return True

    def _read(self, rows: NDArray) -> Pair:
        missing = self._kept.missing(rows)
        if len(missing) == len(rows):
            return self._fresh(rows)
        images, labels = unpack(self._kept.read(rows), self.shape, self.dtype)
        if len(missing):
            fresh, labels[missing] = self._fresh(rows[missing])
            if not self._fits(fresh):
                return self.source.read(rows)  # the reader refuses the batch, and names the image
            images[missing] = fresh
        return images, labels

    def _fresh(self, rows: NDArray) -> Pair:
        """From the source; and written, for the next time."""
        images, labels = self.source.read(rows)
        if self._fits(images):
            try:
                self._kept.write(rows, pack(images, labels))
            except OSError:
                if not self.optional:
                    raise
        return images, labels

    def _goes_on(self, error: OSError) -> bool:
        """Whether the error is the file's, which can be gone without."""
        return self.optional and error.filename == str(self.path)

    def _fits(self, images: NDArray) -> bool:
        return (images.shape[1:], images.dtype) == (self.shape, self.dtype)

    @functools.cached_property
    def _kept(self) -> RecordFile:
        return open_records(self.path, len(self), self.size // len(self), new=self.new)

    def __getstate__(self) -> dict[str, Any]:
        # Each process that reads opens the file anew, and what one has written the next may read.
        return {name: value for name, value in self.__dict__.items() if name != "_kept"} | {"new": False}
