"""Augmentation on the device: pure functions of a key and a batch, a new draw for each image.

Every function here may run under `jax.jit`, `jax.vmap` and `jax.grad` (with respect to the images). A chain of them,
`chain(functools.partial(random_shift, pixels=2), random_flip)`, is what `fit_stream` takes as `augment`.
"""

import math
import numbers
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key, Shaped
from numpy.typing import NDArray

from jaxcnn.arguments import Flag, Size, as_bool, as_sizes, shown

Images: TypeAlias = Shaped[Array | NDArray, "n h w c"]
Augmentation: TypeAlias = Callable[[Key[Array, ""], Array], Array]

if TYPE_CHECKING:
    Real: TypeAlias = float
else:  # As in `jaxcnn.arguments`: a wrong value meets our sentence.
    Real = Any

# Positions fall on multiples of this part of a pixel, so that quarter turns meet the pixels in spite of rounding.
_SUBPIXELS = 1024


def chain(*augmentations: Augmentation) -> Augmentation:
    """One augmentation that applies the given ones from left to right, each with a key of its own."""

    def chained(key: Key[Array, ""], images: Shaped[Array | NDArray, "..."]) -> Array:
        images = jnp.asarray(images)
        for index, augment in enumerate(augmentations):
            images = augment(jax.random.fold_in(key, index), images)
        return images

    return chained


def random_shift(key: Key[Array, ""], images: Shaped[Array | NDArray, "..."], *, pixels: Size) -> Array:
    """Moves each image by whole pixels, both directions drawn uniformly; what comes in from outside is 0.

    Args:
      key: the same key gives the same draws.
      images: (n, h, w, c), uint8 or floats.
      pixels: the furthest to move, at least 0: one number for both directions, or (rows, columns).

    Returns:
      Images of the same shape and dtype.

    Raises:
      ValueError: images that are not (n, h, w, c), uint8 or floats; `pixels` negative or no integers.
    """
    height, width = _check_images(images).shape[1:3]
    return random_crop(key, images, size=(height, width), padding=_sizes("pixels", pixels, minimum=0))


def random_crop(key: Key[Array, ""], images: Shaped[Array | NDArray, "..."], *, size: Size, padding: Size = 0) -> Array:
    """Cuts a window out of each image, its place drawn uniformly, after a border of zeros has been put around.

    Args:
      key: the same key gives the same draws.
      images: (n, h, w, c), uint8 or floats.
      size: of the window in pixels: one number, or (height, width).
      padding: pixels of border on each side: one number, or (rows, columns).

    Returns:
      Images (n, *size, c) of the same dtype.

    Raises:
      ValueError: images that are not (n, h, w, c), uint8 or floats; a size below 1 or larger than the padded image;
        a negative padding.

    Source: torchvision.transforms.RandomCrop.
    """
    images = _check_images(images)
    (height, width), (rows, columns) = _sizes("size", size), _sizes("padding", padding, minimum=0)
    room = (images.shape[1] + 2 * rows - height, images.shape[2] + 2 * columns - width)
    if min(room) < 0:
        raise ValueError(
            f"size must fit the padded images, {images.shape[1] + 2 * rows}×{images.shape[2] + 2 * columns},"
            f" got {height}×{width}; make it smaller or padding larger"
        )
    padded = jnp.pad(images, [(0, 0), (rows, rows), (columns, columns), (0, 0)])
    starts = jax.random.randint(key, (len(images), 2), 0, jnp.array([room]) + 1)
    return crop(padded, starts, (height, width))


def random_flip(
    key: Key[Array, ""],
    images: Shaped[Array | NDArray, "..."],
    *,
    horizontal: Flag = True,
    vertical: Flag = False,
    probability: Real = 0.5,
) -> Array:
    """Mirrors each image with the given probability, left to right, top to bottom, or independently both.

    Args:
      key: the same key gives the same draws.
      images: (n, h, w, c), uint8 or floats.
      horizontal: left and right change places.
      vertical: top and bottom change places.
      probability: of each flip, 0 to 1.

    Returns:
      Images of the same shape and dtype.

    Raises:
      ValueError: images that are not (n, h, w, c), uint8 or floats; a probability outside 0 to 1; no direction.

    Source: keras.layers.RandomFlip.
    """
    images, across, down = _check_images(images), as_bool("horizontal", horizontal), as_bool("vertical", vertical)
    if not (across or down):
        raise ValueError("horizontal or vertical must be True, got neither; leave random_flip out to flip nothing")
    if not _is_real(probability) or not 0 <= probability <= 1:
        raise ValueError(f"probability must lie in 0 to 1, got {shown(probability)}")
    drawn = jax.random.bernoulli(key, float(probability), (2, len(images)))
    for wanted, axis, which in ((across, 2, drawn[0]), (down, 1, drawn[1])):
        images = flip(images, which, axis) if wanted else images
    return images


def random_rotation(key: Key[Array, ""], images: Shaped[Array | NDArray, "..."], *, degrees: Real) -> Array:
    """Turns each image about its centre by an angle drawn uniformly; bilinear, and what comes in from outside is 0.

    Args:
      key: the same key gives the same draws.
      images: (n, h, w, c), uint8 or floats.
      degrees: the widest angle, at least 0, to both sides.

    Returns:
      Images of the same shape and dtype; uint8 is rounded to the nearest.

    Raises:
      ValueError: images that are not (n, h, w, c), uint8 or floats; an angle that is negative or not finite.

    Source: torchvision.transforms.RandomRotation with bilinear interpolation.
    """
    images = _check_images(images)
    if not _is_real(degrees) or not 0 <= degrees < math.inf:
        raise ValueError(f"degrees must be a finite number of at least 0, got {shown(degrees)}")
    angles = jax.random.uniform(key, (len(images),), jnp.float32, -float(degrees), float(degrees))
    return rotate(images, angles)


def cutout(key: Key[Array, ""], images: Shaped[Array | NDArray, "..."], *, size: Size) -> Array:
    """Sets a rectangle of each image to 0, its centre drawn uniformly over the image, its overhang cut off.

    Args:
      key: the same key gives the same draws.
      images: (n, h, w, c), uint8 or floats.
      size: of the rectangle in pixels: one number for a square, or (height, width).

    Returns:
      Images of the same shape and dtype.

    Raises:
      ValueError: images that are not (n, h, w, c), uint8 or floats; a size below 1.

    Source: DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """
    images, sizes = _check_images(images), _sizes("size", size)
    centres = jax.random.randint(key, (len(images), 2), 0, jnp.array([images.shape[1:3]]))
    return erase(images, centres - jnp.array([sizes]) // 2, sizes)


def shift(images: Images, offsets: Int[Array | NDArray, "n 2"]) -> Array:
    """Moves image i down by offsets[i, 0] and right by offsets[i, 1] pixels; what comes in from outside is 0."""
    images, size = jnp.asarray(images), jnp.array([images.shape[1:3]])
    padded = jnp.pad(images, [(0, 0), *((side, side) for side in images.shape[1:3]), (0, 0)])
    return crop(padded, size - jnp.clip(offsets, -size, size), (images.shape[1], images.shape[2]))


def crop(images: Images, starts: Int[Array | NDArray, "n 2"], size: tuple[int, int]) -> Array:
    """The window of `size` of each image whose first row and column are starts[i]."""

    def window(image: Array, start: Array) -> Array:
        return lax.dynamic_slice(image, (start[0], start[1], jnp.zeros((), start.dtype)), (*size, image.shape[2]))

    return jax.vmap(window)(jnp.asarray(images), jnp.asarray(starts))


def flip(images: Images, which: Bool[Array | NDArray, " n"], axis: int) -> Array:
    """Mirrors along an axis, 1 for top and bottom, 2 for left and right, the images that are marked."""
    images = jnp.asarray(images)
    return jnp.where(jnp.asarray(which)[:, None, None, None], jnp.flip(images, axis), images)


def rotate(images: Images, degrees: Float[Array | NDArray, " n"]) -> Array:
    """Turns image i by degrees[i] counter-clockwise about its centre; bilinear, 0 outside."""

    def turned(image: Array, angle: Array) -> Array:
        where = _turned_positions(image.shape[0], image.shape[1], angle)
        planes = jnp.moveaxis(image, -1, 0)
        sample = jax.vmap(lambda plane: jax.scipy.ndimage.map_coordinates(plane, where, order=1, mode="constant"))
        return jnp.moveaxis(sample(planes), 0, -1).astype(image.dtype)

    return jax.vmap(turned)(jnp.asarray(images), jnp.asarray(degrees))


def erase(images: Images, starts: Int[Array | NDArray, "n 2"], size: tuple[int, int]) -> Array:
    """Sets to 0 the window of `size` of each image from starts[i] on, as far as it lies inside."""
    images, starts = jnp.asarray(images), jnp.asarray(starts)

    def inside(axis: int) -> Array:
        place = jnp.arange(images.shape[1 + axis])[None] - starts[:, axis, None]
        return (place >= 0) & (place < size[axis])

    hole = inside(0)[:, :, None, None] & inside(1)[:, None, :, None]
    return jnp.where(hole, jnp.zeros((), images.dtype), images)


def _turned_positions(height: int, width: int, degrees: Array) -> list[Array]:
    """Where each pixel of the turned image lies in the given one."""
    angle = jnp.deg2rad(degrees.astype(jnp.float32))
    y = jnp.arange(height, dtype=jnp.float32)[:, None] - (height - 1) / 2
    x = jnp.arange(width, dtype=jnp.float32)[None, :] - (width - 1) / 2
    rows = jnp.cos(angle) * y + jnp.sin(angle) * x + (height - 1) / 2
    columns = jnp.cos(angle) * x - jnp.sin(angle) * y + (width - 1) / 2
    return [jnp.round(place * _SUBPIXELS) / _SUBPIXELS for place in (rows, columns)]


def _check_images(images: Shaped[Array | NDArray, "..."]) -> Array:
    images = jnp.asarray(images)
    if images.ndim != 4:
        raise ValueError(
            f"images must have shape (n, h, w, c), got {images.shape}; give a single image a first axis by images[None]"
        )
    if images.dtype != jnp.uint8 and not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(f"images must be uint8 or floating, got {images.dtype}; convert them first")
    return images


def _is_real(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _sizes(name: str, value: Size, *, minimum: int = 1) -> tuple[int, int]:
    height, width = as_sizes(name, value, 2, minimum=minimum)
    return height, width
