"""Prepared sets that need not fit into memory: the examples of TFDS's array_record files, by number."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from jaxcnn.data import prepared
from jaxcnn.data.examples import read_examples
from jaxcnn.data.sources import Pair, file_stamp, stack_images


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedSource:
    """The examples of one split, as bytes until they are read; `prepared_source` makes it."""

    folder: Path
    split: str
    class_names: tuple[str, ...] | None
    records: Any
    image: str
    label: str

    def __len__(self) -> int:
        return len(self.records)

    def read(self, rows: Shaped[NDArray, " m"]) -> Pair:
        with prepared.damage_told(self.folder):
            images, labels = read_examples(self.records, rows.tolist(), self.image, self.label)
        if isinstance(images, list):
            images = stack_images(images, [self.name_of(row) for row in rows.tolist()])
        return images, np.array(labels)

    def name_of(self, row: int) -> str:
        return f"record {row} of {self.split} in {self.folder}"

    def identity(self) -> bytes:
        return f"{'/'.join(self.folder.parts[-3:])} {self.split}".encode()

    def stamp(self) -> bytes:
        """Its identity, and when each file was written: for what is made of the files on this machine."""
        return self.identity() + file_stamp(sorted(self.folder.iterdir()))


def prepared_source(folder: Path, split: str) -> PreparedSource:
    """Opens one split of a prepared set for `stream` to read as it goes.

    Args:
        folder: of one version, as `prepared.find` gives it.
        split: one that the set has.

    Raises:
        ValueError: as `prepared.read`; a damaged record is found when it is read.
    """
    with prepared.quiet():
        builder = prepared.opened(folder)
        if split not in builder.info.splits:
            raise ValueError(f"split must be one of {', '.join(builder.info.splits)} for {folder}, got {split!r}.")
        image, label = prepared.keys(builder, folder)
        with prepared.damage_told(folder):
            records = builder.as_data_source(split=split).data_source
    return PreparedSource(folder, split, tuple(builder.info.features[label].names), records, image, label)
