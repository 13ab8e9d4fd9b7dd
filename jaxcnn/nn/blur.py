"""The anti-aliased stride as a layer."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Int, Size
from jaxcnn.nn.options import known_sizes


class BlurPool(nnx.Module):
    """`functional.blur_pool` as a layer."""

    def __init__(
        self,
        *,
        strides: Size = 2,
        filter_size: Int = 3,
        spatial_dims: Int | None = None,
        data_format: DataFormat = "channels_last",
    ):
        """Fix the options of `functional.blur_pool`.

        Args:
          strides: pixels between cells, an int or N.
          filter_size: taps of the binomial filter a dimension.
          spatial_dims: N, so that unbatched inputs are accepted; None means the length of a tuple `strides`, or else
            x.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for options that can't fit any input.
        """
        self.strides = known_sizes("strides", strides, spatial_dims)
        self.spatial_dims = None if isinstance(self.strides, int) else len(self.strides)
        self.filter_size = geometry.as_int("filter_size", filter_size, minimum=1)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """Every `strides`-th pixel of the blurred `x`; shapes and errors as in `functional.blur_pool`."""
        return F.blur_pool(
            x,
            strides=self.strides,
            filter_size=self.filter_size,
            spatial_dims=self.spatial_dims,
            data_format=self.data_format,
        )
