"""Max pooling that remembers where its maxima were, and the unpooling that puts values back there."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Int32, Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DataFormat, Layout, channels_last, layout_of
from jaxcnn.functional.pool import full_rank, parse_windows
from jaxcnn.geometry import Flag, Padding, Size
from jaxcnn.lowering import pool as lowering


def max_pool_with_argmax(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> tuple[Shaped[Array, "*cells"], Int32[Array, "*cells"]]:
    """The largest value of every window and where it was: what `max_unpool` needs to put it back.

    Arguments and errors as in `max_pool`.

    Returns:
      The values, as `max_pool` gives them and differentiable like them, and of the same shape their int32 indices into
      the flattened spatial dimensions of `x` without its padding: of equals the first in row-major order, of NaNs too.

    Raises:
      ValueError: also for an image of 2**31 pixels or more, which int32 can't count.

    Source: `torch.nn.functional.max_pool2d` with `return_indices`. (`tf.nn.max_pool_with_argmax` counts channels too.)
    """
    x = as_array("x", x)
    checks.refuse_complex(x, "max_pool_with_argmax")
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    checks.refuse_empty_windows(windows)
    checks.refuse_uncountable(windows.spatial)
    full = full_rank(windows, layout)
    values = lowering.extreme(x, True, full)
    taps = lowering.first_extreme(x, True, full)[1].astype(jnp.int32)
    return values, full.pixels(taps, x.shape, layout.spatial).astype(jnp.int32)


def max_unpool(
    values: Shaped[ArrayLike, "..."],
    indices: Shaped[ArrayLike, "..."],
    *,
    output_shape: Size,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Put `values` back where `max_pool_with_argmax` found them, zeros elsewhere: the way up of a decoder.

    A pixel that several indices name, as overlapping windows do, is written once, by the first in row-major order. So
    the result is linear in `values`, and with unique indices the adjoint of picking those pixels.

    Args:
      values: (batch, *cells, channels); unbatched where `output_shape` is a tuple; or `data_format="channels_first"`.
      indices: integers of the shape of `values`, into the flattened spatial dimensions of the result.
      output_shape: the result's spatial pixels, an int or N; an int means batched values, N = values.ndim − 2.

    Returns:
      (batch, *output_shape, channels) in the layout and dtype of `values`.

    Raises:
      ValueError: for shapes that don't fit, or an index outside the image. Under `jit`, where indices aren't known,
        values with such an index are left out.
      TypeError: for indices that aren't integers.

    Source: `torch.nn.functional.max_unpool2d`; Zeiler and Fergus (2014).
    """
    values, given = as_array("values", values), as_array("indices", indices)
    layout, spatial = _parse_output_shape(values, output_shape, data_format)
    _check_indices(values, given, math.prod(spatial))
    values, back = channels_last(values, layout)
    given, _ = channels_last(given, layout)
    batch, channels = values.shape[0], values.shape[-1]
    flat_shape = (batch, math.prod(values.shape[1:-1]), channels)
    flat = _written(values.reshape(flat_shape), given.reshape(flat_shape), math.prod(spatial))
    return back(flat.reshape(batch, *spatial, channels))


def _written(values: Array, indices: Array, pixels: int) -> Array:
    """Values at their pixels: (batch, cells, channels) to (batch, pixels, channels)."""
    batch, cells, channels = values.shape
    if jnp.iinfo(indices.dtype).max < pixels:
        indices = indices.astype(jnp.int32)  # which the number of pixels can be compared with
    # Not below 0 either, which would count from the end.
    inside = (indices >= 0) & (indices < pixels)
    pixel = jnp.where(inside, indices, pixels).astype(jnp.int32)
    at = (jnp.arange(batch).reshape(-1, 1, 1), pixel, jnp.arange(channels).reshape(1, 1, -1))
    cell = lax.broadcasted_iota(jnp.int32, values.shape, 1)
    first = jnp.full((batch, pixels, channels), cells, jnp.int32).at[at].min(cell, mode="drop")
    written = jnp.take_along_axis(values, first, 1, mode="clip")
    return jnp.where(first < cells, written, jnp.zeros_like(written))


def _parse_output_shape(values: Array, output_shape: Any, data_format: DataFormat) -> tuple[Layout, tuple[int, ...]]:
    sizes = geometry.entries(output_shape)
    spatial_dims = values.ndim - 2 if sizes is None else len(sizes)
    if spatial_dims not in (1, 2, 3) or values.ndim - spatial_dims not in (1, 2) or 0 in values.shape[-spatial_dims:]:
        raise ValueError(
            "output_shape must be a tuple of 1 to 3 ints with values of (batch, *cells, channels), batched or not and "
            f"not empty, or an int with batched ones; got {geometry.shown(output_shape)} with shape {values.shape}"
        )
    spatial = geometry.as_sizes("output_shape", output_shape, spatial_dims)
    if math.prod(spatial) >= 2**31:
        raise ValueError(
            f"output_shape must have fewer than 2**31 pixels for int32 indices; got {geometry.shown(output_shape)}"
        )
    return layout_of(values, spatial_dims, data_format, "values"), spatial


def _check_indices(values: Array, indices: Array, pixels: int) -> None:
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        raise TypeError(f"indices must be integers, as max_pool_with_argmax returns them; got {indices.dtype}")
    if indices.shape != values.shape:
        raise ValueError(f"indices must have the shape of values, {values.shape}; got {indices.shape}")
    if isinstance(indices, Tracer) or not indices.size:
        return
    known = np.asarray(indices)
    if known.min() < 0 or known.max() >= pixels:
        raise ValueError(
            f"indices must lie in the image of {pixels} pixels that output_shape gives, from 0 to {pixels - 1}; got "
            f"{known.min()} to {known.max()}; use the spatial shape that was pooled"
        )
