"""Convolution as every CNN library means it: cross-correlation with a kernel of (*window, in // groups, out)."""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.checks import check_precision
from jaxcnn.functional.dtypes import as_array, cast_bias, summed
from jaxcnn.functional.layout import DataFormat, channels_last, layout_of, one_of
from jaxcnn.geometry import Int, Padding, Size
from jaxcnn.lowering import primitive

if TYPE_CHECKING:
    PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    PaddingMode = Any
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def conv(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    bias: Shaped[ArrayLike, "..."] | None = None,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    padding_mode: PaddingMode = "zeros",
    input_dilation: Size = 1,
    kernel_dilation: Size = 1,
    groups: Int = 1,
    data_format: DataFormat = "channels_last",
    precision: Any = None,
) -> Shaped[Array, "..."]:
    """Slide a kernel over 1-D, 2-D or 3-D inputs and sum the products (it isn't flipped: cross-correlation).

    Args:
      x: (batch, *spatial, in_channels), or unbatched, or `data_format="channels_first"`.
      kernel: (*window, in_channels // groups, out_channels) in either data format; its rank sets N.
      bias: (out_channels,), added to every output cell.
      strides: pixels between windows, an int or N.
      padding: "VALID", "SAME", "SAME_LOWER", "FULL", in 1-D "CAUSAL"; an int, N ints, or N (low, high) pairs of pixels.
      padding_mode: what the padding holds: "zeros", "reflect", "replicate" or "circular", as in PyTorch.
      input_dilation: spacing of input pixels (1: none), an int or N; above 1, words other than VALID and modes
        other than zeros are refused.
      kernel_dilation: spacing of kernel taps, an int or N.
      groups: blocks of channels that don't see one another; divides in_channels and out_channels.
      precision: as in `lax.conv_general_dilated`.

    Returns:
      (batch, *out, out_channels) in the layout of `x`, `out` by `geometry.conv_output_shape`; dtype
      `jnp.result_type(x, kernel)`, integers as int32 (int64 stays).

    Raises:
      ValueError: for shapes or options that don't fit, before anything compiles.
      TypeError: for what isn't an array of numbers, or a bias that the result's dtype can't hold.

    Source: `lax.conv_general_dilated`; Dumoulin and Visin (2016).
    """
    x, kernel = as_array("x", x), as_array("kernel", kernel)
    spatial_dims = spatial_dims_of(kernel, "(*window, in_channels // groups, out_channels)")
    layout = layout_of(x, spatial_dims, data_format)
    dtype = summed(jnp.result_type(x, kernel))
    x, back = channels_last(x.astype(dtype), layout)
    groups = check_channels(x.shape[-1], kernel.shape, groups)
    spatial, window = x.shape[1:-1], kernel.shape[:-2]
    strides = geometry.as_sizes("strides", strides, spatial_dims)
    kernel_dilation = geometry.as_sizes("kernel_dilation", kernel_dilation, spatial_dims)
    input_dilation = geometry.as_sizes("input_dilation", input_dilation, spatial_dims)
    one_of("padding_mode", padding_mode, tuple(PADDING_MODES))
    refuse_with_input_dilation(padding, padding_mode, input_dilation)
    geometry.conv_output_shape(
        spatial,
        window,
        strides=strides,
        padding=padding,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
    )
    pairs = geometry.padding_pairs(padding, spatial, window, strides=strides, dilation=kernel_dilation)
    x, pairs = padded(x, pairs, padding_mode)
    bias = None if bias is None else checked_bias(as_array("bias", bias), kernel.shape[-1], dtype)
    check_precision(precision)
    y = primitive.conv_general_dilated(
        x,
        kernel.astype(dtype),
        window_strides=strides,
        padding=pairs,
        lhs_dilation=input_dilation,
        rhs_dilation=kernel_dilation,
        dimension_numbers=channels_last_numbers(spatial_dims),
        feature_group_count=groups,
        precision=precision,
    )
    return back(with_bias(y, bias))


def with_bias(y: Array, bias: Array | None) -> Array:
    """`y`, channels last, with `bias` added to every cell."""
    return y if bias is None else y + bias.reshape((1,) * (y.ndim - 1) + (-1,))


def channels_last_numbers(spatial_dims: int) -> lax.ConvDimensionNumbers:
    """lax's dimension numbers of (batch, *spatial, channels) and (*window, in, out)."""
    last = spatial_dims + 1
    image = (0, last, *range(1, last))
    return lax.ConvDimensionNumbers(image, (last, last - 1, *range(last - 1)), image)


def spatial_dims_of(kernel: Array, form: str, name: str = "kernel") -> int:
    """N, from the rank of a kernel, the argument `name`, of the shape that `form` describes.

    Raises:
      ValueError: for another rank, or an empty kernel.
    """
    if kernel.ndim not in (3, 4, 5) or 0 in kernel.shape:
        raise ValueError(
            f"{name} must have shape {form}, none of them 0, with 1 to 3 window dimensions; got shape {kernel.shape}"
        )
    return kernel.ndim - 2


def check_channels(channels: int, kernel: tuple[int, ...], groups: Any) -> int:
    """`groups` as an int that divides both sides' channels, which must fit the kernel's.

    Raises:
      ValueError: where they don't.
    """
    groups = geometry.as_int("groups", groups, minimum=1)
    if channels % groups or kernel[-1] % groups:
        raise ValueError(
            f"groups must divide the channels of x and the output channels of the kernel; got groups={groups} with "
            f"{channels} and {kernel[-1]}"
        )
    if kernel[-2] != channels // groups:
        raise ValueError(
            f"kernel must have in_channels // groups = {channels // groups} input channels for x of {channels} "
            f"channels and groups={groups}; got {kernel[-2]} in kernel shape {kernel}"
        )
    return groups


def checked_bias(bias: Array, features: int, dtype: Any) -> Array:
    """A bias of (features,) in the result's dtype.

    Raises:
      ValueError: for another shape.
      TypeError: where the dtype can't hold it.
    """
    if bias.shape != (features,):
        raise ValueError(f"bias must have shape ({features},), one value an output channel; got {bias.shape}")
    return cast_bias(bias, dtype)


def refuse_with_input_dilation(padding: Padding, padding_mode: PaddingMode, input_dilation: tuple[int, ...]) -> None:
    """What has no clear meaning with holes in the input: padding by words, or from pixels of the input.

    Raises:
      ValueError: for those.
    """
    geometry.refuse_words_with_input_dilation(padding, input_dilation)
    if padding_mode != "zeros" and max(input_dilation) > 1:
        raise ValueError(
            f'padding_mode must be "zeros" when input_dilation is above 1; got {geometry.shown(padding_mode)} with '
            f"input_dilation={input_dilation}"
        )


def padded(x: Array, pairs: geometry.Pairs, mode: PaddingMode) -> tuple[Array, geometry.Pairs]:
    """`x` with its padding materialised where `mode` needs pixels of `x`, and the zeros left to the convolution.

    Raises:
      ValueError: for more padding than the mode has pixels for.
    """
    if mode == "zeros":
        return x, pairs
    if mode != "replicate":
        _check_pixels(x.shape[1:-1], pairs, mode)
    x = jnp.pad(x, ((0, 0), *pairs, (0, 0)), mode=PADDING_MODES[mode])
    return x, ((0, 0),) * len(pairs)


def _check_pixels(spatial: tuple[int, ...], pairs: geometry.Pairs, mode: str) -> None:
    for axis, (size, pair) in enumerate(zip(spatial, pairs, strict=True)):
        most = size - 1 if mode == "reflect" else size
        if max(pair) > most:
            raise ValueError(
                f"padding must be at most {most} pixels a side for padding_mode {mode!r} in spatial dimension {axis} "
                f'of {size} pixels; got {pair}; use less padding or padding_mode "replicate"'
            )
