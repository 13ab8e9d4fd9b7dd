"""Pools of a wanted output size: the windows are PyTorch's, from ⌊i·in/out⌋ to ⌈(i+1)·in/out⌉ in each dimension.

A window is a product of one range a dimension, so both pools reduce one dimension after the other.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.dtypes import accumulator, as_array
from jaxcnn.functional.layout import DataFormat, Layout, layout_of, window_dims
from jaxcnn.functional.pool import avg_pool, max_pool
from jaxcnn.lowering.pool import in_float32, lowest
from jaxcnn.lowering.windows import MOST_UNROLLED

if TYPE_CHECKING:
    OutputSize: TypeAlias = SupportsIndex | Sequence[SupportsIndex | None]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    OutputSize = Any


def adaptive_max_pool(
    x: Shaped[ArrayLike, "..."], output_size: OutputSize, *, data_format: DataFormat = "channels_last"
) -> Shaped[Array, "..."]:
    """The largest value of each of `output_size` windows that cover the image: any image to one size of map.

    Args:
      x: (batch, *spatial, channels); unbatched where `output_size` is a tuple; or `data_format="channels_first"`.
      output_size: cells, an int or N (also more than the input has); None for a dimension keeps its size. An int means
        a batched `x`, N = x.ndim − 2. Windows overlap where the input isn't a multiple.

    Returns:
      (batch, *output_size, channels) in the layout and dtype of `x`. The gradient goes to the first maximum in
      row-major order; a NaN wins its windows, and of several the first receives the gradient.

    Raises:
      ValueError: for a size below 1, a tuple of another length than the spatial dimensions, or an empty `x`.
      TypeError: for complex numbers, which have no order.

    Source: `torch.nn.functional.adaptive_max_pool2d`.
    """
    x = as_array("x", x)
    checks.refuse_complex(x, "adaptive_max_pool")
    layout, cells = parse_sizes(x, "output_size", output_size, data_format)
    if window := _tiles(x, layout, cells):
        return max_pool(x, window, data_format=data_format)
    # The last dimension first, so that the first of equals is the first in row-major order.
    for axis, count in zip(reversed(layout.spatial), reversed(cells), strict=True):
        pixels, valid = adaptive_windows(x.shape[axis], count)
        x = max_over(x, axis, pixels, valid)
    return x


def adaptive_avg_pool(
    x: Shaped[ArrayLike, "..."], output_size: OutputSize, *, data_format: DataFormat = "channels_last"
) -> Shaped[Array, "..."]:
    """The mean of each of `output_size` windows that cover the image; arguments and errors as `adaptive_max_pool`.

    Half types accumulate in float32.

    Raises:
      TypeError: for integers, whose average isn't one; cast `x` to a floating type.

    Source: `torch.nn.functional.adaptive_avg_pool2d`.
    """
    x = as_array("x", x)
    checks.refuse_integer_average(x, "adaptive_avg_pool")
    layout, cells = parse_sizes(x, "output_size", output_size, data_format)
    if window := _tiles(x, layout, cells):
        return avg_pool(x, window, data_format=data_format)
    y = x.astype(accumulator(x.dtype))
    for axis, count in zip(layout.spatial, cells, strict=True):
        y = _mean_over(y, axis, *adaptive_windows(y.shape[axis], count))
    return y.astype(x.dtype)


def parse_sizes(x: Array, name: str, sizes: Any, data_format: DataFormat) -> tuple[Layout, tuple[int, ...]]:
    """The layout of `x` and one size a spatial dimension, from the argument `name`: an int, or N of them or None.

    Raises:
      ValueError: for anything else.
    """
    layout, given = layout_of(x, window_dims(sizes, x, name), data_format), geometry.entries(sizes)
    if given is not None:
        sizes = tuple(x.shape[a] if size is None else size for a, size in zip(layout.spatial, given, strict=True))
    cells = geometry.as_sizes(name, sizes, len(layout.spatial))
    geometry.refuse_huge(name, cells, most=2**31)
    return layout, cells


def adaptive_windows(size: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of each of `cells` windows on `size` pixels, (cells, taps), and which of them are in the window."""
    cell = np.arange(cells)
    start, end = cell * size // cells, -(-(cell + 1) * size // cells)
    pixels = start[:, None] + np.arange((end - start).max())
    return pixels, pixels < end[:, None]


def max_over(x: Array, axis: int, pixels: Any, valid: np.ndarray) -> Array:
    """The maximum of windows along one axis: of `pixels`, (cells, taps) of consecutive ones, those that are `valid`.

    Those that aren't must come last in their window, so that they don't win even where they tie.
    """
    seen = _windows_of(lax.stop_gradient(x), axis, pixels)
    if not valid.all():
        seen = jnp.where(_along(valid, axis, seen.ndim), seen, lowest(x.dtype, True))
    # argmax, too, gives the first, and lets a NaN win.
    tap = jnp.argmax(seen, axis=axis + 1).astype(jnp.int32)
    start = jnp.asarray(pixels[:, 0], jnp.int32)
    pixel = tap + _along(start, axis, x.ndim)
    return in_float32(lambda x: jnp.take_along_axis(x, pixel, axis, mode="clip"), x)


def _mean_over(x: Array, axis: int, pixels: np.ndarray, valid: np.ndarray) -> Array:
    seen = _windows_of(x, axis, pixels)
    # Selected, not multiplied by 0, which would make a NaN of an infinity outside the window.
    seen = seen if valid.all() else jnp.where(_along(valid, axis, seen.ndim), seen, 0)
    return seen.sum(axis + 1) / _along(valid.sum(1), axis, x.ndim).astype(x.dtype)


def _windows_of(x: Array, axis: int, pixels: Any) -> Array:
    """`x` with `axis` replaced by two, (cells, taps)."""
    if isinstance(pixels, np.ndarray) and pixels.size == x.shape[axis] == pixels[-1, -1] + 1:
        return x.reshape(*x.shape[:axis], *pixels.shape, *x.shape[axis + 1 :])
    return jnp.take(x, jnp.asarray(pixels, jnp.int32), axis, mode="clip")


def _along(values: Any, axis: int, ndim: int) -> Any:
    """`values` with their axes at `axis` and after it, ready to broadcast to `ndim` axes."""
    return values.reshape((1,) * axis + values.shape + (1,) * (ndim - axis - values.ndim))


def _tiles(x: Array, layout: Layout, cells: tuple[int, ...]) -> tuple[int, ...] | None:
    """The window of the plain pool that is the same, if there is one and it is small enough to be fast."""
    sizes = [x.shape[axis] for axis in layout.spatial]
    window = tuple(n // count for n, count in zip(sizes, cells, strict=True))
    is_even = all(n % count == 0 for n, count in zip(sizes, cells, strict=True))
    return window if is_even and math.prod(window) <= MOST_UNROLLED else None
