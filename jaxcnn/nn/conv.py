"""Convolution layers: a kernel and a bias around `functional.conv`."""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.conv import PADDING_MODES, PaddingMode, refuse_with_input_dilation
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.options import inexact, promote, static_padding, window_of

default_kernel_init = nnx.initializers.glorot_uniform()


class Conv(nnx.Module):
    """A convolution layer: `functional.conv` with a kernel and a bias of its own."""

    def __init__(
        self,
        in_features: Int,
        out_features: Int,
        kernel_size: Size,
        *,
        strides: Size = 1,
        padding: Padding = "VALID",
        padding_mode: PaddingMode = "zeros",
        input_dilation: Size = 1,
        kernel_dilation: Size = 1,
        groups: Int = 1,
        data_format: DataFormat = "channels_last",
        precision: Any = None,
        use_bias: Flag = True,
        spatial_dims: Int = 2,
        kernel_init: nnx.Initializer = default_kernel_init,
        bias_init: nnx.Initializer = nnx.initializers.zeros,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        """Make the parameters; Glorot uniform and zeros, Keras's defaults.

        Args:
          in_features, out_features: channels of the input and of the output.
          kernel_size: window in pixels: N ints, or one int for `spatial_dims` equal sides.
          strides, padding, padding_mode, input_dilation, kernel_dilation, groups, data_format, precision: as in
            `functional.conv`.
          use_bias: whether a bias of (out_features,) is added.
          spatial_dims: N where `kernel_size` is an int.
          kernel_init, bias_init: initializers `(key, shape, dtype) -> array`.
          dtype: of the computation; None promotes input and parameters as Flax does.
          param_dtype: of the parameters.
          rngs: its `params` stream is drawn from.

        Raises:
          ValueError: for sizes or options that can't fit any input.
        """
        window = window_of("kernel_size", kernel_size, spatial_dims)
        self.in_features = geometry.as_int("in_features", in_features, minimum=1)
        self.out_features = geometry.as_int("out_features", out_features, minimum=1)
        self.kernel_size = window
        self.strides = geometry.as_sizes("strides", strides, len(window))
        self.padding = static_padding(padding, window, self.strides)
        self.padding_mode = one_of("padding_mode", padding_mode, tuple(PADDING_MODES))
        self.input_dilation = geometry.as_sizes("input_dilation", input_dilation, len(window))
        refuse_with_input_dilation(self.padding, self.padding_mode, self.input_dilation)
        self.kernel_dilation = geometry.as_sizes("kernel_dilation", kernel_dilation, len(window))
        self.groups = geometry.as_int("groups", groups, minimum=1)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)
        self.precision, self.dtype = precision, None if dtype is None else inexact("dtype", dtype)
        if self.in_features % self.groups or self.out_features % self.groups:
            raise ValueError(
                f"groups must divide in_features and out_features; got {groups} with {in_features} and {out_features}"
            )
        shape = (*window, self.in_features // self.groups, self.out_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, inexact("param_dtype", param_dtype)))
        bias = bias_init(rngs.params(), shape[-1:], param_dtype) if geometry.as_bool("use_bias", use_bias) else None
        self.bias = nnx.data(None if bias is None else nnx.Param(bias))

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`functional.conv` of `x` (its shapes and errors) with this layer's parameters."""
        x, kernel, bias = promote(x, self.kernel[...], None if self.bias is None else self.bias[...], dtype=self.dtype)
        return F.conv(
            x,
            kernel,
            bias,
            strides=self.strides,
            padding=self.padding,
            padding_mode=self.padding_mode,
            input_dilation=self.input_dilation,
            kernel_dilation=self.kernel_dilation,
            groups=self.groups,
            data_format=self.data_format,
            precision=self.precision,
        )
