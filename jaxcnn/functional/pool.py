"""Pooling: one general operation on `lax.reduce_window`, and its named forms.

Policies: the gradient of a maximum goes to the first of equals in row-major order; a NaN wins its window and receives
the gradient (of several, the first); padding never wins, not even over −inf.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.dtypes import accumulator, as_array, is_exact, summed
from jaxcnn.functional.layout import DataFormat, Layout, global_layout, layout_of, window_dims
from jaxcnn.geometry import Flag, Int, Padding, PoolWindows, Size
from jaxcnn.lowering import pool as lowering
from jaxcnn.lowering.windows import Windows

if TYPE_CHECKING:
    Reducer: TypeAlias = Callable[[Any, Any], Any]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Reducer = Any


def pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    init: Any,
    reducer: Reducer,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Reduce every window by any associative function: the general operation behind the named pools.

    Args:
      x: (batch, *spatial, channels); unbatched where `window` is a tuple; or `data_format="channels_first"`.
      window: pixels, an int or N; an int means a batched `x`, N = x.ndim − 2.
      init: a constant scalar that `reducer` leaves other values unchanged by; the padding holds it too.
      reducer: two arrays to one, elementwise, associative and commutative, such as `lax.mul`.
      strides: pixels between windows; None means the window, so that windows tile the input.
      padding: as in `conv`.
      dilation: spacing of the window's taps, an int or N.
      ceil_mode: also count a last window that overhangs, unless it starts in the padding after the input (PyTorch).

    Returns:
      (batch, *out, channels) in the layout and dtype of `x`, `out` by `geometry.pool_output_shape`. Half types are
      reduced in float32. Differentiable to any order wherever `reducer` is.

    Raises:
      ValueError: for shapes or options that don't fit, an `init` that the dtype of `x` can't hold, or a `reducer` that
        doesn't return what it takes.
      TypeError: for what isn't an array of numbers or a function of two.

    Source: `lax.reduce_window`.
    """
    x = as_array("x", x)
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    wide = x.dtype if is_exact(x.dtype) else accumulator(x.dtype)
    start = checks.as_scalar("init", init, x.dtype).astype(wide)
    checks.check_reducer(reducer, wide)
    return lowering.fold(x.astype(wide), start, reducer, full_rank(windows, layout)).astype(x.dtype)


def max_pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The largest value of every window: keeps the strongest response, drops where in the window it was.

    Arguments, result and errors as in `pool`; integers keep their type. The gradient goes to the first maximum.
    A window that would see padding alone is refused.

    Source: `torch.nn.functional.max_pool2d`, `keras.layers.MaxPooling2D`.
    """
    return _extreme(True, x, window, strides, padding, dilation, ceil_mode, data_format)


def min_pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The smallest value of every window: −max_pool(−x), also for integers whose negation overflows.

    Arguments, result and errors as in `max_pool`.

    Source: `flax.linen.min_pool`.
    """
    return _extreme(False, x, window, strides, padding, dilation, ceil_mode, data_format)


def sum_pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The sum of every window, padding counting 0.

    Arguments and errors as in `pool`; integers return int32 (int64 stays), half types accumulate in float32.

    Source: `lax.reduce_window` with `lax.add`.
    """
    x = as_array("x", x)
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    return _total(x, windows, layout).astype(summed(x.dtype))


def avg_pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    count_include_pad: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The mean of every window: its sum divided by its taps inside the input.

    Arguments, result and errors as in `pool`, and:
      count_include_pad: divide by the taps inside the input or its declared padding; the overhang of `ceil_mode`
        never counts. (PyTorch's default is True, Keras's and this one False.)

    Raises:
      TypeError: for integers, whose average isn't one; cast `x` to a floating type.

    Source: `torch.nn.functional.avg_pool2d`, `keras.layers.AveragePooling2D`.
    """
    x = as_array("x", x)
    checks.refuse_integer_average(x, "avg_pool")
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    checks.refuse_empty_windows(windows)
    sums = _total(x, windows, layout)
    counts = windows.taps_inside(count_include_pad=geometry.as_bool("count_include_pad", count_include_pad))
    return (sums / _divisor(counts, layout, sums.dtype)).astype(x.dtype)


def global_max_pool(
    x: Shaped[ArrayLike, "..."],
    *,
    keepdims: Flag = False,
    spatial_dims: Int | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The largest value of each channel over the whole image, its gradient to the first maximum.

    Args:
      x: (batch, *spatial, channels), or with `data_format="channels_first"`; unbatched where `spatial_dims` says N.
      keepdims: leave the spatial axes in place, each of size 1.

    Returns:
      (batch, channels), or (batch, 1, …, 1, channels), in the dtype of `x`.

    Raises:
      ValueError: for an `x` without spatial dimensions, an empty one, or one of 2**31 pixels or more.

    Source: `keras.layers.GlobalMaxPooling2D`.
    """
    x = as_array("x", x)
    checks.refuse_complex(x, "global_max_pool")
    layout = global_layout(x, spatial_dims, data_format)
    checks.refuse_uncountable([x.shape[axis] for axis in layout.spatial])
    y = lowering.whole_max(x, layout.spatial)
    return y if geometry.as_bool("keepdims", keepdims) else jnp.squeeze(y, layout.spatial)


def global_avg_pool(
    x: Shaped[ArrayLike, "..."],
    *,
    keepdims: Flag = False,
    spatial_dims: Int | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """The mean of each channel over the whole image; arguments and errors as in `global_max_pool`.

    Raises:
      TypeError: for integers, whose average isn't one; cast `x` to a floating type.

    Source: Lin, Chen and Yan, "Network In Network" (2013).
    """
    x = as_array("x", x)
    checks.refuse_integer_average(x, "global_avg_pool")
    layout = global_layout(x, spatial_dims, data_format)
    keepdims = geometry.as_bool("keepdims", keepdims)
    return jnp.mean(x, layout.spatial, dtype=accumulator(x.dtype), keepdims=keepdims).astype(x.dtype)


def _extreme(largest, x, window, strides, padding, dilation, ceil_mode, data_format) -> Array:
    x = as_array("x", x)
    checks.refuse_complex(x, "max_pool" if largest else "min_pool")
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    checks.refuse_empty_windows(windows)
    return lowering.extreme(x, largest, full_rank(windows, layout))


def _total(x: Array, windows: PoolWindows, layout: Layout) -> Array:
    return lowering.total(x.astype(accumulator(x.dtype)), full_rank(windows, layout))


def _divisor(counts: tuple[tuple[int, ...], ...], layout: Layout, dtype: Any) -> Array:
    """Taps of every window, from those along each dimension; one number a dimension where they are all the same."""
    divisor = jnp.ones((1,) * (len(layout.spatial) + 1 + layout.batched), dtype)
    for axis, taps in zip(layout.spatial, counts, strict=True):
        row = taps[:1] if len(set(taps)) == 1 else taps
        divisor *= np.reshape(row, [-1 if i == axis else 1 for i in range(divisor.ndim)]).astype(dtype)
    return divisor


def parse_windows(
    x: Array, window: Any, strides: Any, padding: Any, dilation: Any, ceil_mode: Any, data_format: DataFormat
) -> tuple[PoolWindows, Layout]:
    """A pooling's options, parsed for the spatial axes of `x`, and where those lie.

    Raises:
      ValueError: for shapes or options that don't fit.
    """
    layout = layout_of(x, window_dims(window, x), data_format)
    spatial = tuple(x.shape[axis] for axis in layout.spatial)
    windows = geometry.pool_windows(
        spatial, window, strides=strides, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return windows, layout


def full_rank(windows: PoolWindows, layout: Layout) -> Windows:
    """The windows with an entry for every axis of the array."""
    return Windows(
        layout.at_spatial(windows.window, 1),
        layout.at_spatial(windows.strides, 1),
        layout.at_spatial(windows.reach, (0, 0)),
        layout.at_spatial(windows.dilation, 1),
    )
