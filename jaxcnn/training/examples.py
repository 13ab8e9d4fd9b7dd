"""Labelled images: what `fit` accepts, and how they travel to the device."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Int, Shaped
from numpy.typing import NDArray


@runtime_checkable
class LabeledImages(Protocol):
    """Anything with images (n, h, w, c), uint8 or scaled floats, and integer labels (n,)."""

    @property
    def images(self) -> NDArray | jax.Array: ...

    @property
    def labels(self) -> NDArray | jax.Array: ...


class Examples(NamedTuple):
    """A batch, or a whole set, as the steps take it."""

    images: Shaped[NDArray | jax.Array, "n h w c"]
    labels: Int[NDArray | jax.Array, " n"]


def take(examples: Examples, rows: Int[jax.Array, " m"]) -> Examples:
    """The examples in the given rows; rows must be in bounds, which spares the check on the device."""
    images, labels = (array.at[rows].get(mode="promise_in_bounds") for array in map(jax.numpy.asarray, examples))
    return Examples(images, labels)


def padded_slices(array: Shaped[NDArray, "n ..."], size: int) -> Iterator[NDArray]:
    """Consecutive slices of `size` rows; the last is filled up with zeros, so that one compiled program serves all."""
    for start in range(0, len(array), size):
        part = array[start : start + size]
        yield np.pad(part, [(0, size - len(part)), *[(0, 0)] * (array.ndim - 1)])


def evaluation_batches(examples: Examples, size: int) -> Iterator[tuple[Examples, jax.Array]]:
    """Batches of one shape on the device, each with the mask of the rows that count."""
    images, labels = map(np.asarray, examples)
    columns = (padded_slices(array, size) for array in (images, labels, np.ones(len(labels), bool)))
    for part, classes, valid in zip(*columns, strict=True):
        yield Examples(jax.device_put(part), jax.device_put(classes)), jax.device_put(valid)
