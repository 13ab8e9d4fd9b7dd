"""Squeeze-and-excitation: channels weighted by what the whole image shows."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, global_layout, one_of
from jaxcnn.geometry import Flag, Int
from jaxcnn.nn.activations import Activated
from jaxcnn.nn.options import function, inexact, optional_dims, promote
from jaxcnn.nn.parameters import default_kernel_init, streams


class SqueezeExcite(Activated):
    """Scale every channel by a gate in (0, 1) that two small dense layers compute from all channels' means."""

    def __init__(
        self,
        features: Int,
        *,
        reduction: Int = 16,
        activation: Callable[[Array], Array] = nnx.relu,
        gate: Callable[[Array], Array] = nnx.sigmoid,
        use_bias: Flag = True,
        spatial_dims: Int | None = None,
        data_format: DataFormat = "channels_last",
        kernel_init: nnx.Initializer = default_kernel_init,
        bias_init: nnx.Initializer = nnx.initializers.zeros,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        """Make the parameters; Glorot uniform and zeros, Keras's defaults.

        Args:
          features: channels of the input.
          reduction: the hidden layer has features / reduction channels.
          activation: of the hidden layer.
          gate: of the last layer; what it returns multiplies the input.
          use_bias: whether the dense layers have biases. (With them 2·features²/reduction + features/reduction +
            features parameters.)
          spatial_dims: N, so that unbatched inputs are accepted; None means x.ndim − 2.
          data_format: "channels_last" or "channels_first".
          kernel_init, bias_init: initializers `(key, shape, dtype) -> array`.
          dtype: of the computation; None promotes input and parameters as Flax does.
          param_dtype: of the parameters.
          rngs: its `params` stream is drawn from.

        Raises:
          ValueError: for sizes or options that can't fit any input.
          TypeError: for an `activation` or a `gate` that can't be called.

        Source: Hu, Shen and Sun, "Squeeze-and-Excitation Networks" (2018).
        """
        self.features = geometry.as_int("features", features, minimum=1)
        self.reduction = geometry.as_int("reduction", reduction, minimum=1)
        if self.features % self.reduction:
            raise ValueError(
                f"reduction must divide features, so that the hidden layer has a whole number of channels; got "
                f"{reduction} with {features}"
            )
        self.activation, self.gate = function("activation", activation), function("gate", gate)
        self.spatial_dims = optional_dims(spatial_dims)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)
        self.dtype = None if dtype is None else inexact("dtype", dtype)
        hidden, options = (
            self.features // self.reduction,
            {
                "use_bias": geometry.as_bool("use_bias", use_bias),
                "kernel_init": kernel_init,
                "bias_init": bias_init,
                "dtype": dtype,
                "param_dtype": inexact("param_dtype", param_dtype),
                "rngs": streams(rngs),
            },
        )
        self.reduce = nnx.Linear(self.features, hidden, **options)
        self.expand = nnx.Linear(hidden, self.features, **options)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`x` with its channels scaled, in its own shape.

        Args:
          x: (batch, *spatial, features), or `data_format="channels_first"`; unbatched where `spatial_dims` says N.

        Raises:
          ValueError: for another number of channels, or an `x` without spatial dimensions.
        """
        image, _ = promote(as_array("x", x), self.reduce.kernel[...], dtype=self.dtype)
        layout = global_layout(image, self.spatial_dims, self.data_format)
        if image.shape[layout.channels] != self.features:
            raise ValueError(f"x must have {self.features} channels, the layer's features; got shape {image.shape}")
        means = F.global_avg_pool(image, spatial_dims=self.spatial_dims, data_format=self.data_format)
        weights = self.gate(self.expand(self.activation(self.reduce(means))))
        return image * jnp.expand_dims(weights, layout.spatial)
