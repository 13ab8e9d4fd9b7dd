"""Layers that convolve each channel apart: depthwise, and with a mix of the channels afterwards, separable."""

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.conv import PaddingMode
from jaxcnn.functional.layout import DataFormat
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.parameters import bias_parameter, default_kernel_init, parameter
from jaxcnn.nn.windowed import PaddedConv


class DepthwiseConv(PaddedConv):
    """A layer of `multiplier` windows a channel: `functional.depthwise_conv` with a kernel and a bias of its own."""

    def __init__(
        self,
        features: Int,
        kernel_size: Size,
        *,
        multiplier: Int = 1,
        strides: Size = 1,
        padding: Padding = "VALID",
        padding_mode: PaddingMode = "zeros",
        input_dilation: Size = 1,
        kernel_dilation: Size = 1,
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

        Keras counts the kernel's fans as window · features and window · multiplier, though a cell sees the window
        alone, and so does the default here. For fans of window and window · multiplier, which start deep nets without
        normalisation better, give `nnx.initializers.variance_scaling(1, "fan_avg", "uniform", in_axis=(),
        batch_axis=-2)`.

        Args:
          features: channels of the input.
          kernel_size: window in pixels: N ints, or one int for `spatial_dims` equal sides.
          multiplier: windows a channel; the output has features · multiplier channels.
          strides, padding, padding_mode, input_dilation, kernel_dilation, data_format, precision: as in
            `functional.depthwise_conv`.
          use_bias: whether a bias of (features · multiplier,) is added.
          spatial_dims: N where `kernel_size` is an int.
          kernel_init: initializer of the kernel, (*window, features, multiplier).
          bias_init: initializer `(key, shape, dtype) -> array`.
          dtype: of the computation; None promotes input and parameters as Flax does.
          param_dtype: of the parameters.
          rngs: its `params` stream is drawn from.

        Raises:
          ValueError: for sizes or options that can't fit any input.
        """
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            input_dilation=input_dilation,
            kernel_dilation=kernel_dilation,
            data_format=data_format,
            precision=precision,
            use_bias=use_bias,
            spatial_dims=spatial_dims,
            dtype=dtype,
        )
        self.features = geometry.as_int("features", features, minimum=1)
        self.multiplier = geometry.as_int("multiplier", multiplier, minimum=1)
        shape = (*self.kernel_size, self.features, self.multiplier)
        self.kernel = parameter(kernel_init, rngs, shape, param_dtype)
        self.bias = bias_parameter(self.use_bias, bias_init, rngs, (self.features * self.multiplier,), param_dtype)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`functional.depthwise_conv` of `x` (its shapes and errors) with this layer's parameters."""
        return self._apply(F.depthwise_conv, x, self.kernel, self.bias)


class SeparableConv(PaddedConv):
    """A factored convolution: `functional.separable_conv` with two kernels and a bias of its own."""

    def __init__(
        self,
        in_features: Int,
        out_features: Int,
        kernel_size: Size,
        *,
        multiplier: Int = 1,
        strides: Size = 1,
        padding: Padding = "VALID",
        padding_mode: PaddingMode = "zeros",
        input_dilation: Size = 1,
        kernel_dilation: Size = 1,
        data_format: DataFormat = "channels_last",
        precision: Any = None,
        use_bias: Flag = True,
        spatial_dims: Int = 2,
        depthwise_kernel_init: nnx.Initializer = default_kernel_init,
        pointwise_kernel_init: nnx.Initializer = default_kernel_init,
        bias_init: nnx.Initializer = nnx.initializers.zeros,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        """Make the parameters; Glorot uniform and zeros, Keras's defaults.

        Args:
          in_features, out_features: channels of the input and of the output.
          kernel_size: window of the depthwise part in pixels: N ints, or one int for `spatial_dims` equal sides.
          multiplier: windows a channel; between the parts there are in_features · multiplier channels.
          strides, padding, padding_mode, input_dilation, kernel_dilation, data_format, precision: as in
            `functional.separable_conv`.
          use_bias: whether a bias of (out_features,) is added at the end.
          spatial_dims: N where `kernel_size` is an int.
          depthwise_kernel_init: initializer of (*window, in_features, multiplier); about its fans see `DepthwiseConv`.
          pointwise_kernel_init: initializer of (1, …, 1, in_features · multiplier, out_features).
          bias_init: initializer `(key, shape, dtype) -> array`.
          dtype: of the computation; None promotes input and parameters as Flax does.
          param_dtype: of the parameters.
          rngs: its `params` stream is drawn from.

        Raises:
          ValueError: for sizes or options that can't fit any input.
        """
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            padding_mode=padding_mode,
            input_dilation=input_dilation,
            kernel_dilation=kernel_dilation,
            data_format=data_format,
            precision=precision,
            use_bias=use_bias,
            spatial_dims=spatial_dims,
            dtype=dtype,
        )
        self.in_features = geometry.as_int("in_features", in_features, minimum=1)
        self.out_features = geometry.as_int("out_features", out_features, minimum=1)
        self.multiplier = geometry.as_int("multiplier", multiplier, minimum=1)
        depthwise = (*self.kernel_size, self.in_features, self.multiplier)
        pointwise = (1,) * len(self.kernel_size) + (self.in_features * self.multiplier, self.out_features)
        self.depthwise_kernel = parameter(depthwise_kernel_init, rngs, depthwise, param_dtype)
        self.pointwise_kernel = parameter(pointwise_kernel_init, rngs, pointwise, param_dtype)
        self.bias = bias_parameter(self.use_bias, bias_init, rngs, (self.out_features,), param_dtype)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`functional.separable_conv` of `x` (its shapes and errors) with this layer's parameters."""
        return self._apply(F.separable_conv, x, self.depthwise_kernel, self.pointwise_kernel, self.bias)
