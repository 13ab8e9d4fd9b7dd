"""The transposed convolution layer: a kernel and a bias around `functional.conv_transpose`."""

import functools
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.layout import DataFormat
from jaxcnn.functional.transpose import output_pads
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.options import divisor_groups
from jaxcnn.nn.parameters import bias_parameter, parameter
from jaxcnn.nn.windowed import WindowedConv

default_kernel_init = nnx.initializers.glorot_uniform(in_axis=-1, out_axis=-2)


class ConvTranspose(WindowedConv):
    """A layer that learns to enlarge: `functional.conv_transpose` with a kernel and a bias of its own."""

    def __init__(
        self,
        in_features: Int,
        out_features: Int,
        kernel_size: Size,
        *,
        strides: Size = 1,
        padding: Padding = "VALID",
        output_padding: Size = 0,
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
          strides, padding, output_padding, kernel_dilation, groups, data_format, precision: as in
            `functional.conv_transpose`; its `output_shape` is an argument of the call, since it changes with the input.
          use_bias: whether a bias of (out_features,) is added.
          spatial_dims: N where `kernel_size` is an int.
          kernel_init: initializer of the kernel, (*window, out_features // groups, in_features): one that counts its
            fans needs in_axis=-1 and out_axis=-2, as the default has.
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
            kernel_dilation=kernel_dilation,
            data_format=data_format,
            precision=precision,
            use_bias=use_bias,
            spatial_dims=spatial_dims,
            dtype=dtype,
        )
        self.output_padding = self._checked_output_padding(output_padding)
        self.in_features = geometry.as_int("in_features", in_features, minimum=1)
        self.out_features = geometry.as_int("out_features", out_features, minimum=1)
        self.groups = divisor_groups(groups, self.in_features, self.out_features)
        shape = (*self.kernel_size, self.out_features // self.groups, self.in_features)
        self.kernel = parameter(kernel_init, rngs, shape, param_dtype)
        self.bias = bias_parameter(self.use_bias, bias_init, rngs, (self.out_features,), param_dtype)

    def _checked_output_padding(self, output_padding: Size) -> tuple[int, ...]:
        extra = geometry.as_sizes("output_padding", output_padding, len(self.kernel_size), minimum=0)
        options = {"strides": self.strides, "dilation": self.kernel_dilation}
        pairs = geometry.padding_pairs(self.padding, self.kernel_size, self.kernel_size, **options)
        # An input that no padding can cut away, so that only output_padding may be refused.
        spatial = [1 + sum(pair) for pair in pairs]
        output_pads(spatial, self.kernel_size, padding=self.padding, output_padding=extra, output_shape=None, **options)
        return extra

    def __call__(self, x: Shaped[ArrayLike, "..."], *, output_shape: Size | None = None) -> Shaped[Array, "..."]:
        """`functional.conv_transpose` of `x` (its shapes and errors) with this layer's parameters.

        Args:
          x: (batch, *spatial, in_features), or unbatched, or `data_format="channels_first"`.
          output_shape: spatial output shape, N ints, one of those that `conv` would map to the shape of `x`: what
            PyTorch's layer calls output_size. Beside an `output_padding` of the constructor it must agree with it.
        """
        operation = functools.partial(
            F.conv_transpose, output_padding=self.output_padding, output_shape=output_shape, groups=self.groups
        )
        return self._apply(operation, x, self.kernel, self.bias)
