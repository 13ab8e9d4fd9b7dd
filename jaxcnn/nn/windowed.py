"""What layers with a sliding window share: their options, parsed once, and the call that hands them on."""

import functools
from collections.abc import Callable
from typing import Any

from flax import nnx
from jax.typing import ArrayLike

from jaxcnn import geometry
from jaxcnn.functional.checks import check_precision
from jaxcnn.functional.conv import PADDING_MODES, PaddingMode, refuse_with_input_dilation
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.options import inexact, promote, sliding
from jaxcnn.nn.parameters import value_of


class WindowedConv(nnx.Module):
    """The options that every convolution layer has."""

    def __init__(
        self,
        kernel_size: Size,
        *,
        strides: Size,
        padding: Padding,
        kernel_dilation: Size,
        data_format: DataFormat,
        precision: Any,
        use_bias: Flag,
        spatial_dims: Int,
        dtype: Any,
    ):
        """Fix the options of the `functional` convolution.

        Raises:
          ValueError: for options that can't fit any input.
        """
        self.kernel_size, self.strides, self.padding, self.kernel_dilation = sliding(
            "kernel_size",
            kernel_size,
            strides,
            padding,
            kernel_dilation,
            spatial_dims,
            dilation_name="kernel_dilation",
        )
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)
        check_precision(precision)
        self.precision = geometry.entries(precision) or precision
        self.dtype = None if dtype is None else inexact("dtype", dtype)
        self.use_bias = geometry.as_bool("use_bias", use_bias)

    def _apply(self, operation: Callable[..., Any], x: ArrayLike, *parameters: nnx.Param | None) -> Any:
        x, *values = promote(as_array("x", x), *map(value_of, parameters), dtype=self.dtype)
        return operation(
            x,
            *values,
            strides=self.strides,
            padding=self.padding,
            kernel_dilation=self.kernel_dilation,
            data_format=self.data_format,
            precision=self.precision,
        )


class PaddedConv(WindowedConv):
    """The options that `functional.conv` shares with its relatives that see channels apart."""

    def __init__(
        self,
        kernel_size: Size,
        *,
        strides: Size,
        padding: Padding,
        padding_mode: PaddingMode,
        input_dilation: Size,
        kernel_dilation: Size,
        data_format: DataFormat,
        precision: Any,
        use_bias: Flag,
        spatial_dims: Int,
        dtype: Any,
    ):
        """Fix the options of the `functional` convolution.

        Raises:
          ValueError: for options that can't fit any input.
        """
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            kernel_dilation=kernel_dilation,
            data_format=data_format,
            precision=precision,
            use_bias=use_bias,
            spatial_dims=spatial_dims,
            dtype=dtype,
        )
        self.padding_mode = one_of("padding_mode", padding_mode, tuple(PADDING_MODES))
        self.input_dilation = geometry.as_sizes("input_dilation", input_dilation, len(self.kernel_size))
        refuse_with_input_dilation(self.padding, self.padding_mode, self.input_dilation)

    def _apply(self, operation: Callable[..., Any], x: ArrayLike, *parameters: nnx.Param | None) -> Any:
        operation = functools.partial(operation, padding_mode=self.padding_mode, input_dilation=self.input_dilation)
        return super()._apply(operation, x, *parameters)


class WindowedPool(nnx.Module):
    """The options that every windowed pool has."""

    def __init__(
        self,
        window: Size,
        *,
        strides: Size | None = None,
        padding: Padding = "VALID",
        dilation: Size = 1,
        ceil_mode: Flag = False,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
    ):
        """Fix the options of the `functional` pool of the same name.

        Args:
          window: pixels: N ints, or one int for `spatial_dims` equal sides.
          strides: pixels between windows; None means the window.
          padding, dilation, ceil_mode, data_format: as in `functional.pool`.
          spatial_dims: N where `window` is an int.

        Raises:
          ValueError: for options that can't fit any input.
        """
        self.window, self.strides, self.padding, self.dilation = sliding(
            "window",
            window,
            window if strides is None else strides,
            padding,
            dilation,
            spatial_dims,
            dilation_name="dilation",
        )
        self.ceil_mode = geometry.as_bool("ceil_mode", ceil_mode)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def _apply(self, operation: Callable[..., Any], x: ArrayLike) -> Any:
        return operation(
            x,
            self.window,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            ceil_mode=self.ceil_mode,
            data_format=self.data_format,
        )
