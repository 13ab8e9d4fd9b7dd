"""Layers that remember where maxima were and put values back there: the two ends of a decoder's short cut."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Int32, Shaped

from jaxcnn import functional as F
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Int, Size
from jaxcnn.nn.options import known_sizes, optional_dims
from jaxcnn.nn.windowed import WindowedPool


class MaxPoolWithArgmax(WindowedPool):
    """`functional.max_pool_with_argmax` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> tuple[Shaped[Array, "*cells"], Int32[Array, "*cells"]]:
        """(values, indices) of every window's maximum; shapes and errors as in `functional.max_pool_with_argmax`."""
        return self._apply(F.max_pool_with_argmax, x)


class MaxUnpool(nnx.Module):
    """`functional.max_unpool` as a layer."""

    def __init__(
        self,
        *,
        output_shape: Size | None = None,
        spatial_dims: Int | None = None,
        data_format: DataFormat = "channels_last",
    ):
        """Fix the options of `functional.max_unpool`.

        Args:
          output_shape: the result's spatial pixels, an int or N; None: every call brings its own.
          spatial_dims: N where an `output_shape` is an int, so that unbatched values are accepted; None means
            values.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for options that can't fit any values.
        """
        self.spatial_dims = optional_dims(spatial_dims)
        self.output_shape = None if output_shape is None else self._sizes(output_shape)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def _sizes(self, output_shape: Size) -> int | tuple[int, ...]:
        return known_sizes("output_shape", output_shape, self.spatial_dims)

    def __call__(
        self,
        values: Shaped[ArrayLike, "..."],
        indices: Shaped[ArrayLike, "..."],
        *,
        output_shape: Size | None = None,
    ) -> Shaped[Array, "..."]:
        """Values back at their indices, zeros elsewhere; shapes and errors as in `functional.max_unpool`.

        Args:
          values, indices: as `MaxPoolWithArgmax` returns them.
          output_shape: of this call, such as the spatial shape that was pooled; None: the layer's.

        Raises:
          ValueError: also where neither the call nor the layer has an `output_shape`.
        """
        shape = self.output_shape if output_shape is None else self._sizes(output_shape)
        if shape is None:
            raise ValueError(
                "output_shape must be given to the constructor or to the call, the spatial shape that was pooled; got "
                "None"
            )
        return F.max_unpool(values, indices, output_shape=shape, data_format=self.data_format)
