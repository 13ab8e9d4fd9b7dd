"""Transposed convolution: the adjoint of `conv`, which spreads every input cell over a window of the output."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.checks import check_precision
from jaxcnn.functional.conv import channels_last_numbers, checked_bias, spatial_dims_of, with_bias
from jaxcnn.functional.dtypes import as_array, summed
from jaxcnn.functional.layout import DataFormat, channels_last, layout_of
from jaxcnn.geometry import Int, Padding, Size
from jaxcnn.lowering import primitive


def conv_transpose(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    bias: Shaped[ArrayLike, "..."] | None = None,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    output_padding: Size = 0,
    output_shape: Size | None = None,
    kernel_dilation: Size = 1,
    groups: Int = 1,
    data_format: DataFormat = "channels_last",
    precision: Any = None,
) -> Shaped[Array, "..."]:
    """The adjoint of `conv` with the same kernel and options: <conv(y), x> = <y, conv_transpose(x)> without a bias.

    Args:
      x: (batch, *spatial, in_channels), or unbatched, or `data_format="channels_first"`.
      kernel: (*window, out_channels // groups, in_channels), the kernel of the `conv` whose adjoint this is.
      bias: (out_channels,), added to every output cell.
      strides: pixels between the windows that neighbouring cells of `x` spread to, an int or N.
      padding: of that `conv`, in any of its spellings: what is cut off here. Sizes are, with span d(k−1) + 1,
        (i−1)s + span − low − high + output_padding as in PyTorch; "SAME" gives i·s as in Keras.
      output_padding: pixels added at each high end, below max(stride, dilation).
      output_shape: spatial output shape, N ints, instead of output_padding; given both they must agree.
      kernel_dilation: spacing of kernel taps, an int or N.
      groups: blocks of channels that don't see one another; divides in_channels.
      precision: as in `lax.conv_general_dilated`.

    Returns:
      (batch, *out, out_channels) in the layout of `x`; dtypes as in `conv`.

    Raises:
      ValueError: for shapes or options that don't fit, before anything compiles.
      TypeError: for what isn't an array of numbers, or a bias that the result's dtype can't hold.

    Source: Dumoulin and Visin (2016), chapter 4; `torch.nn.functional.conv_transpose2d`.
    """
    x, kernel = as_array("x", x), as_array("kernel", kernel)
    spatial_dims = spatial_dims_of(kernel, "(*window, out_channels // groups, in_channels)")
    layout = layout_of(x, spatial_dims, data_format)
    dtype = summed(jnp.result_type(x, kernel))
    x, back = channels_last(x.astype(dtype), layout)
    groups = _check_channels(x.shape[-1], kernel.shape, groups)
    strides = geometry.as_sizes("strides", strides, spatial_dims)
    dilation = geometry.as_sizes("kernel_dilation", kernel_dilation, spatial_dims)
    pads = output_pads(
        x.shape[1:-1],
        kernel.shape[:-2],
        strides=strides,
        padding=padding,
        output_padding=geometry.as_sizes("output_padding", output_padding, spatial_dims, minimum=0),
        output_shape=None if output_shape is None else geometry.as_sizes("output_shape", output_shape, spatial_dims),
        dilation=dilation,
    )
    check_precision(precision)
    bias = None if bias is None else checked_bias(as_array("bias", bias), kernel.shape[-2] * groups, dtype)
    y = primitive.conv_general_dilated(
        x,
        _as_forward(kernel.astype(dtype), groups),
        window_strides=(1,) * spatial_dims,
        padding=pads,
        lhs_dilation=strides,
        rhs_dilation=dilation,
        dimension_numbers=channels_last_numbers(spatial_dims),
        feature_group_count=groups,
        precision=precision,
    )
    return back(with_bias(y, bias))


def output_pads(
    spatial: Sequence[int],
    window: Sequence[int],
    *,
    strides: Sequence[int],
    padding: Padding,
    output_padding: Sequence[int],
    output_shape: Sequence[int] | None,
    dilation: Sequence[int],
) -> geometry.Pairs:
    """The (low, high) pads with which a plain convolution of the strided-apart input gives the transposed one.

    Raises:
      ValueError: for an output_padding or an output_shape that `conv` would not map back to the input's shape.
    """
    word = padding.upper() if isinstance(padding, str) else ""
    if output_shape is not None and word in ("SAME", "SAME_LOWER"):
        sizes = tuple(output_shape)
    else:
        sizes = tuple(n * s for n, s in zip(spatial, strides, strict=True))
    geometry.refuse_huge("strides", sizes)
    pairs = geometry.padding_pairs(padding, sizes, window, strides=strides, dilation=dilation)
    axes = [_Axis(*axis) for axis in zip(spatial, window, strides, dilation, pairs, strict=True)]
    # SAME promises i·s also where windows smaller than the stride leave the last pixels unreached.
    bases = sizes if word in ("SAME", "SAME_LOWER") else tuple(axis.reached for axis in axes)
    extra = _extra(axes, bases, output_padding, output_shape, word)
    for number, (axis, base, more) in enumerate(zip(axes, bases, extra, strict=True)):
        if base + more < 1:
            raise ValueError(
                f"padding must leave at least one output pixel, got {axis.pad} in spatial dimension {number}, where "
                f"the output has {base + more}; use less padding or more output_padding"
            )
    geometry.refuse_huge("kernel_dilation", [base + more for base, more in zip(bases, extra, strict=True)])
    return tuple(axis.pads(base + more) for axis, base, more in zip(axes, bases, extra, strict=True))


class _Axis(NamedTuple):
    """One spatial dimension of a transposed convolution, in ints."""

    size: int
    window: int
    stride: int
    dilation: int
    pad: tuple[int, int]

    @property
    def span(self) -> int:
        return geometry.dilated(self.window, self.dilation)

    @property
    def reached(self) -> int:
        """Output pixels that windows reach, less what the padding cuts off."""
        return (self.size - 1) * self.stride + self.span - sum(self.pad)

    def pads(self, output: int) -> tuple[int, int]:
        """(low, high) for `output` pixels."""
        low = self.span - 1 - self.pad[0]
        return low, self.span - 1 - self.pad[1] + output - self.reached


def _extra(
    axes: Sequence[_Axis],
    bases: Sequence[int],
    output_padding: Sequence[int],
    output_shape: Sequence[int] | None,
    word: str,
) -> Sequence[int]:
    """Pixels beyond `bases` at each high end, from output_padding or output_shape."""
    most = [max(axis.stride, axis.dilation) - 1 for axis in axes]
    if any(extra > limit for extra, limit in zip(output_padding, most, strict=True)):
        raise ValueError(
            f"output_padding must be below max(stride, dilation), at most {tuple(most)}; got {tuple(output_padding)}"
        )
    if output_shape is None:
        return output_padding
    extra = [n - base for n, base in zip(output_shape, bases, strict=True)]
    same = word in ("SAME", "SAME_LOWER")
    fits = [
        -(-n // axis.stride) == axis.size if same else 0 <= more <= limit
        for n, axis, more, limit in zip(output_shape, axes, extra, most, strict=True)
    ]
    if not all(fits):
        lowest = [(axis.size - 1) * axis.stride + 1 for axis in axes] if same else list(bases)
        highest = (
            [axis.size * axis.stride for axis in axes] if same else [b + m for b, m in zip(bases, most, strict=True)]
        )
        raise ValueError(
            f"output_shape must lie between {tuple(lowest)} and {tuple(highest)}, the shapes from which conv with "
            f"these options gives {tuple(axis.size for axis in axes)}; got {tuple(output_shape)}"
        )
    if any(output_padding) and (same or list(output_padding) != extra):
        raise ValueError(
            f"output_padding and output_shape must agree; got {tuple(output_padding)} and {tuple(output_shape)}, which "
            f"needs {tuple(extra)}; give one of the two"
        )
    return extra


def _check_channels(channels: int, kernel: tuple[int, ...], groups: Any) -> int:
    groups = geometry.as_int("groups", groups, minimum=1)
    if kernel[-1] != channels:
        raise ValueError(
            f"kernel must have shape (*window, out_channels // groups, in_channels) with {channels} input channels, "
            f"those of x; got kernel shape {kernel}"
        )
    if channels % groups:
        raise ValueError(f"groups must divide the channels of x; got groups={groups} with {channels}")
    return groups


def _as_forward(kernel: Array, groups: int) -> Array:
    """The flipped kernel as (*window, in_channels // groups, out_channels)."""
    *window, features, channels = kernel.shape
    kernel = jnp.flip(kernel, range(len(window))).reshape(*window, features, groups, channels // groups)
    kernel = jnp.moveaxis(kernel, -1, -3)  # (*window, in // groups, out // groups, groups)
    return jnp.swapaxes(kernel, -1, -2).reshape(*window, channels // groups, groups * features)
