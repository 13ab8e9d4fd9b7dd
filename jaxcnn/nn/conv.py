"""The convolution layer: a kernel and a bias around `functional.conv`."""

import functools
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
from jaxcnn.nn.options import divisor_groups
from jaxcnn.nn.parameters import bias_parameter, default_kernel_init, parameter
from jaxcnn.nn.windowed import PaddedConv


class Conv(PaddedConv):
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
        self.groups = divisor_groups(groups, self.in_features, self.out_features)
        shape = (*self.kernel_size, self.in_features // self.groups, self.out_features)
        self.kernel = parameter(kernel_init, rngs, shape, param_dtype)
        self.bias = bias_parameter(self.use_bias, bias_init, rngs, shape[-1:], param_dtype)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`functional.conv` of `x` (its shapes and errors) with this layer's parameters."""
        return self._apply(functools.partial(F.conv, groups=self.groups), x, self.kernel, self.bias)
