"""Batch i of a shuffled stream, from its number alone: what makes a stream stop and go on anywhere."""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int64, Shaped
from numpy.typing import NDArray

from jaxcnn.data.sources import MAKE_ALIKE, Pair, Source


@functools.lru_cache(maxsize=2)  # the epoch that is read, and the next one, which begins while it ends
def epoch_order(examples: int, seed: int, epoch: int) -> Int64[np.ndarray, " n"]:
    """The order of an epoch's examples: a permutation that depends on the seed and the epoch alone."""
    # Raw bits, as NumPy promises them to stay the same for ever (NEP 19); its permutations may change.
    noise = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(examples)
    order = np.argsort(noise, kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


@dataclasses.dataclass(frozen=True, eq=False)
class BatchReader:
    """Reads batch i of all epochs, on whichever thread it is asked to.

    Attributes:
      source: where the images are.
      batch_size: examples a batch; the last one of an epoch may be smaller.
      seed: of the shuffles.
      shape: of one image, (h, w, c).
      dtype: of the images, by name.
    """

    source: Source
    batch_size: int
    seed: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.source) // self.batch_size)

    def __call__(self, index: int) -> Pair:
        return self.read(int(index), 1)

    def read(self, index: int, count: int) -> Pair:
        """The images and labels of `count` batches of one epoch, one behind the other, from batch `index` on."""
        epoch, step = divmod(index, self.steps_per_epoch)
        order = epoch_order(len(self.source), self.seed, epoch)
        return self.read_rows(order[step * self.batch_size : (step + count) * self.batch_size])

    def read_rows(self, rows: Shaped[NDArray, " m"]) -> Pair:
        """The images and labels of these numbers, or what training could not use as an error that names it."""
        images, labels = self.source.read(rows)
        images = checked_images(images, rows, self.source)
        if (images.shape[1:], images.dtype.name) != (self.shape, self.dtype):
            raise ValueError(
                f"images must all have one shape and dtype, got {images.dtype}{images.shape[1:]} in"
                f" {self.source.name_of(int(rows[0]))} and {self.dtype}{self.shape} in {self.source.name_of(0)};"
                f" {MAKE_ALIKE}"
            )
        return images, _checked_labels(np.asarray(labels), rows, self.source)


def checked_images(images: Any, rows: NDArray, source: Source) -> NDArray:
    """The images as an array, or ValueError for what training could not use; it names the image."""
    images = np.asarray(images)
    if images.ndim != 4 or len(images) != len(rows) or images.size == 0:
        raise ValueError(
            f"images must have shape (h, w, c) with no axis empty, got {images.shape[1:]} in"
            f" {source.name_of(int(rows[0]))}; give grey images a last axis of 1"
        )
    if jnp.issubdtype(images.dtype, jnp.floating):
        _check_finite(images, rows, source)
    elif images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 or floating, got {images.dtype} in {source.name_of(int(rows[0]))}; convert them"
        )
    return images


def _check_finite(images: NDArray, rows: NDArray, source: Source) -> None:
    broken = ~np.isfinite(images).all((1, 2, 3))
    if broken.any():
        name = source.name_of(int(rows[broken.argmax()]))
        raise ValueError(f"images must be finite, got NaN or infinity in {name}; repair that image, or leave it out")


def _checked_labels(labels: NDArray, rows: NDArray, source: Source) -> NDArray:
    """The labels as int32, or ValueError for the first that is no class."""
    limit = 2**31 if source.class_names is None else len(source.class_names)
    outside = (labels < 0) | (labels >= limit)
    if outside.any():
        at = int(outside.argmax())
        known = "be at least 0" if source.class_names is None else f"lie in 0 to {limit - 1} for {limit} class names"
        raise ValueError(
            f"labels must {known}, got {labels[at]} in {source.name_of(int(rows[at]))};"
            " count classes from 0 and name every one in class_names"
        )
    return labels.astype(np.int32)
