"""Labelled images in memory, checked once when they are put together."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8
from numpy.typing import ArrayLike

from jaxcnn.arguments import Int, shown

Images = UInt8[np.ndarray, "n h w c"] | Float[np.ndarray, "n h w c"]

# Scaled images lie in [0, 1], standardised ones within a few units of 0 on both sides; raw pixels as floats do neither.
_BRIGHTEST_SCALED = 16


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class Dataset:
    """Images and their classes, known to fit together, so that nothing after this needs to check again.

    Arguments may be anything NumPy reads as an array; the fields are NumPy arrays.

    Args:
        images: (n, h, w, c), uint8 pixels of 0 to 255, or floats, which training uses as they are.
        labels: (n,), integers of any width, each an index into `class_names`; kept as int32.
        class_names: one name a class.
        name: what tables and reports call the set.
        source: "full", or "sample" for a part that stands in for the whole set.

    Raises:
        ValueError: images that are empty, not 4-D, of another dtype, not finite, or floats in 0 to 255;
            labels that are not integers, out of range, or not one an image; no class names; another `source`.
        TypeError: class names that are not strings.
    """

    images: Images
    labels: Int32[np.ndarray, " n"]
    class_names: tuple[str, ...]
    name: str
    source: Literal["full", "sample"]

    # Written out because arguments may be more than the fields are: lists, JAX arrays, labels of any width.
    def __init__(self, images: ArrayLike, labels: ArrayLike, class_names: Sequence[str], name: str, source: str):
        images, class_names = _checked_images(images), _checked_names(class_names)
        self._set("images", images)
        self._set("labels", _checked_labels(labels, len(images), len(class_names)))
        self._set("class_names", class_names)
        self._set("name", name)
        self._set("source", _checked_source(source))

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.images.shape[1:]))
        images = f"{len(self)} images {shape} {self.images.dtype}"
        return f"Dataset({self.name!r}, {self.source}: {images}, {len(self.class_names)} classes)"

    def split(self, fraction: float | int, *, seed: Int) -> tuple["Dataset", "Dataset"]:
        """Parts the set in two, class by class, so that a validation set has the classes of its training set.

        The part is a systematic sample: every (1/fraction)-th image of a list sorted by class and shuffled within
        each. Both results keep the order of the images. The same seed gives the same parts in every version of NumPy.

        Args:
            fraction: the share of the images, and of each class as nearly as whole images allow, that goes to `part`.
            seed: 0 or above.

        Returns:
            `(rest, part)`: disjoint, together the whole set, `part` with `round(fraction * n)` images.

        Raises:
            ValueError: a fraction outside (0, 1), one that leaves a side without images, or a negative seed.

        Source: systematic sampling with implicit stratification, W. G. Cochran, "Sampling Techniques", chapter 8.
        """
        in_part = sampled(self.labels, fraction, seed=seed)
        return self._where(~in_part), self._where(in_part)

    def _where(self, chosen: np.ndarray) -> "Dataset":
        return dataclasses.replace(self, images=self.images[chosen], labels=self.labels[chosen])


def sampled(labels: Int32[np.ndarray, " n"], fraction: float | int, *, seed: Int) -> Bool[np.ndarray, " n"]:
    """Which images of these labels `Dataset.split` moves to its part, for whoever must split their files alike.

    Raises:
        ValueError: as `Dataset.split`.
    """
    in_part = np.zeros(len(labels), dtype=bool)
    in_part[_systematic_sample(labels, _part_size(fraction, len(labels)), _checked_seed(seed))] = True
    return in_part


def _checked_images(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 4 or images.size == 0:
        raise ValueError(
            f"images must have shape (n, h, w, c) with no axis empty, got {images.shape}; "
            "give grey images a last axis of 1 by images[..., None]."
        )
    if jnp.issubdtype(images.dtype, jnp.floating):
        _check_range(float(images.min()), float(images.max()))
    elif images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 or floating, got {images.dtype}; "
            "make pixels of 0 to 255 uint8 by images.astype('uint8')."
        )
    return images


def _check_range(low: float, high: float) -> None:
    if not np.isfinite([low, high]).all():
        raise ValueError(f"images must be finite, got values from {low} to {high}; remove NaN and infinity first.")
    if low >= 0 and high > _BRIGHTEST_SCALED:
        raise ValueError(
            f"images as floats must be scaled, to [0, 1] say, as they are used unchanged, got {low:g} to {high:g}; "
            "divide them by 255 or pass them as uint8."
        )


def _checked_names(class_names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in class_names):
        raise TypeError(f"class_names must be a sequence of strings, one a class, got {class_names!r}.")
    if len(class_names) == 0:
        raise ValueError("class_names must name every class that a label may have, got none.")
    return tuple(class_names)


def _checked_source(source: str) -> str:
    if source not in ("full", "sample"):
        raise ValueError(f'source must be "full" or "sample", got {source!r}.')
    return source


def _checked_labels(labels: ArrayLike, images: int, classes: int) -> np.ndarray:
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers, the indices of the classes, got dtype {labels.dtype}.")
    if labels.shape != (images,):
        raise ValueError(f"labels must have shape ({images},), one label an image, got {labels.shape}.")
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        at = int(outside.argmax())
        raise ValueError(
            f"labels must lie in 0 to {classes - 1} for {classes} class names, got {labels[at]} at index {at}; "
            "count classes from 0 and name every one in class_names."
        )
    return labels.astype(np.int32, copy=False)


def _checked_seed(seed: Int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be an integer of at least 0, got {shown(seed)}.")
    return int(seed)


def _part_size(fraction: float | int, images: int) -> int:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, both excluded, got {fraction}.")
    size = round(fraction * images)
    if size in (0, images):
        side = "part" if size == 0 else "rest"
        raise ValueError(f"fraction={fraction} of {images} images leaves the {side} empty; choose one nearer to 0.5.")
    return size


def _systematic_sample(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    # Raw bits, as NumPy promises them to stay the same for ever (NEP 19); its permutations may change.
    noise = np.random.PCG64(seed).random_raw(len(labels) + 1)
    by_class = np.lexsort((noise[1:], labels))
    start = int(noise[0]) % len(labels)
    return by_class[(np.arange(size) * len(labels) + start) // size]
