"""Blur pooling: subsampling that a shift of the image doesn't upset, since a low-pass filter goes before it."""

import functools
import math

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.dtypes import accumulator, as_array, is_exact
from jaxcnn.functional.layout import DataFormat, Layout, global_layout
from jaxcnn.geometry import Int, Size


def blur_pool(
    x: Shaped[ArrayLike, "..."],
    *,
    strides: Size = 2,
    filter_size: Int = 3,
    spatial_dims: Int | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Blur each channel by a binomial filter, then keep every `strides`-th pixel.

    Plain subsampling and max pooling alias: their maps jump when the image shifts by a pixel. After a convolution or a
    `max_pool` of stride 1, this is the anti-aliased stride.

    Args:
      x: (batch, *spatial, channels), or with `data_format="channels_first"`; unbatched where `spatial_dims` says N.
      strides: pixels between cells, an int or N.
      filter_size: taps a dimension, weighted by a row of Pascal's triangle: 1 (no blur), 2 [1 1]/2, 3 [1 2 1]/4, ….
        The border is reflected, (filter_size − 1) // 2 pixels before and the rest after.

    Returns:
      (batch, *out, channels) in the layout and dtype of `x`, out = ⌈spatial / strides⌉. Half types accumulate in
      float32.

    Raises:
      ValueError: for options that don't fit, or a filter with more pixels to reflect than the image has.
      TypeError: for integers; cast `x` to a floating type.

    Source: Zhang, "Making Convolutional Networks Shift-Invariant Again" (2019), and its code, antialiased-cnns.
    """
    x = as_array("x", x)
    if is_exact(x.dtype):
        raise TypeError(f"x must be floating or complex for blur_pool, got {x.dtype}; cast it")
    layout = global_layout(x, spatial_dims, data_format)
    strides = geometry.as_sizes("strides", strides, len(layout.spatial))
    taps = geometry.as_int("filter_size", filter_size, minimum=1)
    _check_reflection(x, layout, taps)
    y = x.astype(accumulator(x.dtype))
    for axis, stride in zip(layout.spatial, strides, strict=True):
        y = _blurred(y, axis, stride, taps)
    return y.astype(x.dtype)


def _blurred(x: Array, axis: int, stride: int, taps: int) -> Array:
    """One dimension filtered and subsampled: the binomial filter is a product of one row a dimension."""
    pads = [(0, 0)] * x.ndim
    pads[axis] = ((taps - 1) // 2, taps // 2)
    padded = jnp.pad(x, pads, mode="reflect")
    seen = [lax.slice_in_dim(padded, tap, tap + x.shape[axis], stride, axis) for tap in range(taps)]
    weights = [math.comb(taps - 1, tap) / 2 ** (taps - 1) for tap in range(taps)]
    return functools.reduce(jnp.add, (weight * part for weight, part in zip(weights, seen, strict=True)))


def _check_reflection(x: Array, layout: Layout, taps: int) -> None:
    for number, axis in enumerate(layout.spatial):
        if taps // 2 >= x.shape[axis]:
            raise ValueError(
                f"filter_size must be below {2 * x.shape[axis]} for the {x.shape[axis]} pixels of spatial dimension "
                f"{number}, whose border it reflects; got {taps}; use a smaller filter"
            )
