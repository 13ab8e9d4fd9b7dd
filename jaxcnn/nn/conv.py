"""Convolution layers: a kernel and a bias around `functional.conv`."""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.conv import PADDING_MODES, PaddingMode
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat
from jaxcnn.geometry import Padding, Size
from jaxcnn.nn.options import one_of, promote, static_padding, window_of

default_kernel_init = nnx.initializers.glorot_uniform()


class Conv(nnx.Module):
    """A convolution layer: `functional.conv` with a kernel and a bias of its own."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Size,
        *,
        strides: Size = 1,
        padding: Padding = "VALID",
        padding_mode: PaddingMode = "zeros",
        input_dilation: Size = 1,
        kernel_dilation: Size = 1,
        groups: int = 1,
        data_format: DataFormat = "channels_last",
        precision: Any = None,
        use_bias: bool = True,
        spatial_dims: int = 2,
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
        geometry.refuse_words_with_input_dilation(padding, self.input_dilation)
        self.kernel_dilation = geometry.as_sizes("kernel_dilation", kernel_dilation, len(window))
        self.groups = geometry.as_int("groups", groups, minimum=1)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)
        self.precision, self.dtype = precision, dtype
        if in_features % groups or out_features % groups:
            raise ValueError(
                f"groups must divide in_features and out_features; got {groups} with {in_features} and {out_features}"
            )
        shape = (*window, in_features // groups, out_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, param_dtype))
        self.bias = nnx.data(nnx.Param(bias_init(rngs.params(), (out_features,), param_dtype)) if use_bias else None)

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
