"""The locally connected layer: a convolution's windows, with a kernel for every place."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DataFormat, layout_of
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.options import function
from jaxcnn.nn.parameters import bias_parameter, default_kernel_init, parameter
from jaxcnn.nn.windowed import WindowedConv


class LocalConv(WindowedConv):
    """A layer that shares no weights: `functional.local_conv` with the kernels and biases of all places."""

    def __init__(
        self,
        in_features: Int,
        out_features: Int,
        kernel_size: Size,
        *,
        input_shape: Size,
        strides: Size = 1,
        padding: Padding = "VALID",
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
        """Make the parameters; Glorot uniform, in every place as for a `Conv` of this window, and zeros.

        Args:
          in_features, out_features: channels of the input and of the output.
          kernel_size: window in pixels: N ints, or one int for `spatial_dims` equal sides.
          input_shape: spatial shape of every input, N ints or one for all: it settles how many places there are.
          strides, padding, kernel_dilation, data_format, precision: as in `functional.local_conv`.
          use_bias: whether a bias of (*out, out_features) is added, one a place as in Keras 2.
          spatial_dims: N where `kernel_size` is an int.
          kernel_init: initializer of one place's kernel, (*window, in_features, out_features), called for each place
            with a key of its own.
          bias_init: initializer `(key, shape, dtype) -> array` of all biases.
          dtype: of the computation; None promotes input and parameters as Flax does.
          param_dtype: of the parameters.
          rngs: its `params` stream is drawn from.

        Raises:
          ValueError: for sizes or options that don't fit.
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
        self.in_features = geometry.as_int("in_features", in_features, minimum=1)
        self.out_features = geometry.as_int("out_features", out_features, minimum=1)
        self.input_shape = geometry.as_sizes("input_shape", input_shape, len(self.kernel_size))
        self.output_shape = geometry.conv_output_shape(
            self.input_shape,
            self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            kernel_dilation=self.kernel_dilation,
        )
        shape = (*self.output_shape, *self.kernel_size, self.in_features, self.out_features)
        self.kernel = parameter(_in_every_place(kernel_init, self.output_shape), rngs, shape, param_dtype)
        self.bias = bias_parameter(self.use_bias, bias_init, rngs, (*self.output_shape, self.out_features), param_dtype)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`functional.local_conv` of `x` (its shapes and errors) with this layer's parameters.

        Raises:
          ValueError: for an `x` of another spatial shape than `input_shape`.
        """
        x = as_array("x", x)
        layout = layout_of(x, len(self.kernel_size), self.data_format)
        spatial = tuple(x.shape[axis] for axis in layout.spatial)
        if spatial != self.input_shape:
            raise ValueError(
                f"x must have the spatial shape {self.input_shape} that the layer was made for (input_shape), since "
                f"every place has weights of its own; got {spatial}"
            )
        return self._apply(F.local_conv, x, self.kernel, self.bias)


def _in_every_place(init: nnx.Initializer, places: tuple[int, ...]) -> nnx.Initializer:
    """An initializer of (*places, *shape) from one of `shape`, whose fans know nothing of the places."""

    function("kernel_init", init)

    def draw(key: Array, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Array:
        keys = jax.random.split(key, math.prod(places))
        return jax.vmap(lambda key: init(key, shape[len(places) :], dtype))(keys).reshape(shape)

    return draw
