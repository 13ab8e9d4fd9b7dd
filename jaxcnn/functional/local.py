"""A convolution whose weights are not shared: every output cell has a kernel of its own."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.checks import check_precision
from jaxcnn.functional.dtypes import accumulator, as_array, cast_bias, summed
from jaxcnn.functional.layout import DataFormat, channels_last, layout_of
from jaxcnn.functional.patches import extract_patches
from jaxcnn.geometry import Padding, Size


def local_conv(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    bias: Shaped[ArrayLike, "..."] | None = None,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    kernel_dilation: Size = 1,
    data_format: DataFormat = "channels_last",
    precision: Any = None,
) -> Shaped[Array, "..."]:
    """Slide a window as `conv` does, with other weights in every place: shows what sharing them saves.

    Args:
      x: (batch, *spatial, in_channels), or unbatched, or `data_format="channels_first"`.
      kernel: (*out, *window, in_channels, out_channels), `out` by `geometry.conv_output_shape`; its rank sets N.
      bias: (out_channels,), or (*out, out_channels).
      strides, padding, kernel_dilation, precision: as in `conv`; the padding holds zeros.

    Returns:
      (batch, *out, out_channels) in the layout of `x`; dtypes as in `conv`.

    Raises:
      ValueError: for shapes or options that don't fit, before anything compiles.
      TypeError: for what isn't an array of numbers, or a bias that the result's dtype can't hold.

    Source: `keras.layers.LocallyConnected2D` (Keras 2).
    """
    x, kernel = as_array("x", x), as_array("kernel", kernel)
    spatial_dims = _spatial_dims(kernel)
    layout = layout_of(x, spatial_dims, data_format)
    dtype = summed(jnp.result_type(x, kernel))
    x, back = channels_last(x.astype(dtype), layout)
    out, window = kernel.shape[:spatial_dims], kernel.shape[spatial_dims:-2]
    expected = geometry.conv_output_shape(
        x.shape[1:-1], window, strides=strides, padding=padding, kernel_dilation=kernel_dilation
    )
    if out != expected or kernel.shape[-2] != x.shape[-1]:
        raise ValueError(
            f"kernel must have shape (*out, *window, in_channels, out_channels), here "
            f"{(*expected, *window, x.shape[-1], kernel.shape[-1])}; got {kernel.shape}"
        )
    bias = None if bias is None else _checked_bias(as_array("bias", bias), out, kernel.shape[-1], dtype)
    check_precision(precision)
    patches = extract_patches(x, window, strides=strides, padding=padding, dilation=kernel_dilation)
    weights = kernel.astype(dtype).reshape(*out, patches.shape[-1], kernel.shape[-1])
    # Cast, for XLA's CPU backend fails at products of half types that add up in float32, but for the smallest.
    wide = accumulator(dtype)
    y = jnp.einsum("b...i,...io->b...o", patches.astype(wide), weights.astype(wide), precision=precision).astype(dtype)
    return back(y if bias is None else y + bias)


def _spatial_dims(kernel: Array) -> int:
    if kernel.ndim not in (4, 6, 8) or 0 in kernel.shape:
        raise ValueError(
            "kernel must have shape (*out, *window, in_channels, out_channels), none of them 0, with 1 to 3 dimensions "
            f"each of out and window; got shape {kernel.shape}"
        )
    return (kernel.ndim - 2) // 2


def _checked_bias(bias: Array, out: tuple[int, ...], features: int, dtype: Any) -> Array:
    """The bias with the axes of (1, *out, features)."""
    if bias.shape not in ((features,), (*out, features)):
        raise ValueError(f"bias must have shape {(features,)} or {(*out, features)}; got {bias.shape}")
    return cast_bias(bias, dtype).reshape((1,) * (len(out) + 2 - bias.ndim) + bias.shape)
