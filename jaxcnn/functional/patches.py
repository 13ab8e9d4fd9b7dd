"""Patches: what every window sees, laid out as a row, and the exact adjoint that puts rows back and sums overlaps."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.dtypes import accumulator, as_array, summed
from jaxcnn.functional.layout import DataFormat, channels_last, layout_of, window_dims
from jaxcnn.geometry import Padding, PoolWindows, Size
from jaxcnn.lowering.pool import in_float32
from jaxcnn.lowering.windows import MOST_UNROLLED


def extract_patches(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    dilation: Size = 1,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Every window of `x` as a row: a convolution is these rows times the flattened kernel.

    Args:
      x: (batch, *spatial, channels), unbatched where `window` is a tuple, or `data_format="channels_first"`.
      window: pixels, an int or N; an int means a batched `x`, N = x.ndim − 2.
      strides, padding, dilation: as in `conv`; padding holds zeros.

    Returns:
      (batch, *out, prod(window) · channels), window positions before channels, in the layout and dtype of `x`.

    Raises:
      ValueError: for shapes or options that don't fit.

    Source: `tf.image.extract_patches`.
    """
    x = as_array("x", x)
    spatial_dims = window_dims(window, x)
    x, back = channels_last(x, layout_of(x, spatial_dims, data_format))
    windows = _windows(x.shape[1:-1], window, strides, padding, dilation)
    return back(in_float32(lambda x: _rows(x, windows), x))


def fold_patches(
    patches: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    output_shape: Size,
    strides: Size = 1,
    padding: Padding = "VALID",
    dilation: Size = 1,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Put patches back where `extract_patches` took them and sum where they overlap: its exact adjoint.

    Args:
      patches: (batch, *out, prod(window) · channels) as `extract_patches` returns them, or unbatched.
      window, strides, padding, dilation: those of `extract_patches`.
      output_shape: spatial shape of the result, N ints, or one for all.

    Returns:
      (batch, *output_shape, channels) in the layout of `patches`; integers as int32 (int64 stays).

    Raises:
      ValueError: where `patches` doesn't have the shape that `extract_patches` gives for these options.

    Source: `torch.nn.functional.fold`, with channels last.
    """
    patches = as_array("patches", patches)
    spatial_dims = len(geometry.entries(output_shape) or geometry.entries(window) or range(patches.ndim - 2))
    if spatial_dims not in (1, 2, 3):
        raise ValueError(
            "output_shape must be a tuple of 1 to 3 ints, or an int with patches of 3 to 5 axes (batch, *out, taps · "
            f"channels); got {geometry.shown(output_shape)} with shape {patches.shape}"
        )
    sizes = geometry.as_sizes("output_shape", output_shape, spatial_dims)
    rows, back = channels_last(patches, layout_of(patches, spatial_dims, data_format, "patches"))
    windows = _windows(sizes, window, strides, padding, dilation)
    channels = _channels(rows, windows, patches.shape)
    y = rows.astype(accumulator(rows.dtype)).reshape(rows.shape[0], *windows.output_shape, *windows.window, channels)
    for axis in range(spatial_dims):
        y = _untap(y, windows, axis)
    return back(_cropped(y, windows).astype(summed(patches.dtype)))


def _windows(spatial: Sequence[int], window: Size, strides: Size, padding: Padding, dilation: Size) -> PoolWindows:
    return geometry.pool_windows(spatial, window, strides=strides, padding=padding, dilation=dilation, ceil_mode=False)


def _rows(x: Array, windows: PoolWindows) -> Array:
    shape = (x.shape[0], *windows.output_shape, math.prod(windows.window) * x.shape[-1])
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((*pair, 0) for pair in windows.reach), (0, 0, 0)])
    n = len(windows.spatial)
    # One axis after the other: taps cost the sum of the window's sides, not their product.
    for axis in reversed(range(n)):
        x = _seen(x, windows, axis)
    return x.reshape(shape)


def _seen(x: Array, windows: PoolWindows, axis: int) -> Array:
    """What all taps of every window see along a spatial axis: a new axis, after the spatial ones."""
    place, taps = len(windows.spatial) + 1, windows.window[axis]
    if taps > MOST_UNROLLED:
        return jnp.moveaxis(_cut(x, windows, axis), axis + 2, place)
    return jnp.stack([_tap(x, windows, axis, tap) for tap in range(taps)], axis=place)


def _cut(x: Array, windows: PoolWindows, axis: int) -> Array:
    """Window after window cut out of a spatial axis, which becomes two, (cells, taps).

    Written out, XLA would take seconds to compile so many taps.
    """
    span = geometry.dilated(windows.window[axis], windows.dilation[axis])
    starts = jnp.arange(windows.output_shape[axis], dtype=jnp.int32) * windows.strides[axis]
    rows = jax.vmap(lambda start: lax.dynamic_slice_in_dim(x, start, span, axis + 1), out_axes=axis + 1)(starts)
    return lax.slice_in_dim(rows, 0, span, windows.dilation[axis], axis + 2)


def _tap(x: Array, windows: PoolWindows, axis: int, tap: int) -> Array:
    """What tap `tap` of every window sees along a spatial axis of (batch, *spatial, …)."""
    start, stride = tap * windows.dilation[axis], windows.strides[axis]
    stop = start + (windows.output_shape[axis] - 1) * stride + 1
    return lax.slice_in_dim(x, start, stop, stride, axis + 1)


def _untap(y: Array, windows: PoolWindows, axis: int) -> Array:
    """(batch, *spatial, window of `axis`, later windows…, channels): the window's taps summed into its spatial axis."""
    place, stride, dilation = len(windows.spatial) + 1, windows.strides[axis], windows.dilation[axis]
    size = windows.spatial[axis] + sum(windows.reach[axis])
    reach = (windows.output_shape[axis] - 1) * stride + 1
    # With stride 1 a loop adds in as many steps as there are pixels, and takes several times as long.
    if windows.window[axis] > MOST_UNROLLED and stride > 1:
        rows = jnp.moveaxis(y, place, axis + 2)
        image = jax.ShapeDtypeStruct((*rows.shape[: axis + 1], size, *rows.shape[axis + 3 :]), y.dtype)
        return jax.linear_transpose(lambda x: _cut(x, windows, axis), image)(rows)[0]
    total: Any = 0
    for tap in range(windows.window[axis]):
        part = lax.index_in_dim(y, tap, place, keepdims=False)
        pads = [(0, 0, 0)] * part.ndim
        pads[axis + 1] = (tap * dilation, size - tap * dilation - reach, stride - 1)
        total = total + lax.pad(part, jnp.zeros((), y.dtype), pads)
    return total


def _cropped(y: Array, windows: PoolWindows) -> Array:
    """`y` without the padding."""
    for axis, (low, _) in enumerate(windows.reach):
        y = lax.slice_in_dim(y, low, low + windows.spatial[axis], axis=axis + 1)
    return y


def _channels(rows: Array, windows: PoolWindows, shape: tuple[int, ...]) -> int:
    """Channels of the image behind the rows, which must have the right shape."""
    taps = math.prod(windows.window)
    if rows.shape[1:-1] != windows.output_shape or rows.shape[-1] % taps:
        raise ValueError(
            f"patches must have shape (batch, {', '.join(map(str, windows.output_shape))}, {taps} · channels), as "
            f"extract_patches gives for these options; got {shape}"
        )
    return rows.shape[-1] // taps
