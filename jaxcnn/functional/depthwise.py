"""Convolutions that see each channel apart, and the pair that mixes them afterwards."""

from typing import Any

from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.functional.conv import PaddingMode, conv, spatial_dims_of
from jaxcnn.functional.dtypes import as_array, summed
from jaxcnn.functional.layout import DataFormat, layout_of
from jaxcnn.geometry import Padding, Size


def depthwise_conv(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    bias: Shaped[ArrayLike, "..."] | None = None,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    padding_mode: PaddingMode = "zeros",
    input_dilation: Size = 1,
    kernel_dilation: Size = 1,
    data_format: DataFormat = "channels_last",
    precision: Any = None,
) -> Shaped[Array, "..."]:
    """Convolve each channel with its own `multiplier` windows: output channel c·multiplier + m sees channel c alone.

    Args:
      x: (batch, *spatial, channels), or unbatched, or `data_format="channels_first"`.
      kernel: (*window, channels, multiplier).
      bias: (channels · multiplier,).
      strides, padding, padding_mode, input_dilation, kernel_dilation, precision: as in `conv`.

    Returns:
      (batch, *out, channels · multiplier) in the layout of `x`; dtypes as in `conv`.

    Raises:
      ValueError, TypeError: as `conv`, and where the kernel's channels are not those of `x`.

    Source: `tf.nn.depthwise_conv2d`, `keras.layers.DepthwiseConv2D`.
    """
    x, kernel = as_array("x", x), as_array("kernel", kernel)
    _check_channels(x, "kernel", kernel, data_format)
    bias = None if bias is None else as_array("bias", bias)
    *window, channels, multiplier = kernel.shape
    return conv(
        x,
        kernel.reshape(*window, 1, channels * multiplier),
        bias,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
        groups=channels,
        data_format=data_format,
        precision=precision,
    )


def separable_conv(
    x: Shaped[ArrayLike, "..."],
    depthwise_kernel: Shaped[ArrayLike, "..."],
    pointwise_kernel: Shaped[ArrayLike, "..."],
    bias: Shaped[ArrayLike, "..."] | None = None,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    padding_mode: PaddingMode = "zeros",
    input_dilation: Size = 1,
    kernel_dilation: Size = 1,
    data_format: DataFormat = "channels_last",
    precision: Any = None,
) -> Shaped[Array, "..."]:
    """`depthwise_conv`, then a convolution of window 1 that mixes the channels: a factored, cheaper convolution.

    Args:
      x: (batch, *spatial, channels), or unbatched, or `data_format="channels_first"`.
      depthwise_kernel: (*window, channels, multiplier).
      pointwise_kernel: (1, …, 1, channels · multiplier, out_channels).
      bias: (out_channels,), added at the end.
      strides, padding, padding_mode, input_dilation, kernel_dilation: of the depthwise part, as in `conv`.
      precision: of both, as in `conv`.

    Returns:
      (batch, *out, out_channels) in the layout of `x`; dtypes as in `conv`.

    Raises:
      ValueError, TypeError: as `conv`, and where the kernels don't fit `x` or one another.

    Source: Chollet, "Xception" (2017); `keras.layers.SeparableConv2D`.
    """
    x, depthwise = as_array("x", x), as_array("depthwise_kernel", depthwise_kernel)
    pointwise = as_array("pointwise_kernel", pointwise_kernel)
    _check_channels(x, "depthwise_kernel", depthwise, data_format)
    bias = None if bias is None else as_array("bias", bias)
    expected = (1,) * (depthwise.ndim - 2) + (depthwise.shape[-2] * depthwise.shape[-1],)
    if pointwise.shape[:-1] != expected or not pointwise.size:
        raise ValueError(
            f"pointwise_kernel must have shape {(*expected, 'out_channels')} after depthwise_kernel {depthwise.shape}; "
            f"got {pointwise.shape}"
        )
    mixed = depthwise_conv(
        x,
        depthwise,
        strides=strides,
        padding=padding,
        padding_mode=padding_mode,
        input_dilation=input_dilation,
        kernel_dilation=kernel_dilation,
        data_format=data_format,
        precision=precision,
    )
    return conv(mixed, pointwise.astype(summed(pointwise.dtype)), bias, data_format=data_format, precision=precision)


def _check_channels(x: Array, name: str, kernel: Array, data_format: DataFormat) -> None:
    form = "(*window, channels, multiplier)"
    layout = layout_of(x, spatial_dims_of(kernel, form, name), data_format)
    if x.shape[layout.channels] != kernel.shape[-2]:
        raise ValueError(
            f"{name} must have shape {form}, its channels those of x, {x.shape[layout.channels]}; got {kernel.shape}"
        )
