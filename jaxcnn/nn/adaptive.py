"""Pooling layers whose output has a wanted size, whatever the image's: adaptive pools and the spatial pyramid."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.adaptive import OutputSize
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Int, Size
from jaxcnn.nn.options import known_sizes, optional_dims, try_options


class _AdaptivePool(nnx.Module):
    """The options that both adaptive pools have."""

    def __init__(
        self, output_size: OutputSize, *, spatial_dims: Int | None = None, data_format: DataFormat = "channels_last"
    ):
        """Fix the options of the `functional` pool of the same name.

        Args:
          output_size: cells, an int or N; None for a dimension keeps its size.
          spatial_dims: N where `output_size` is an int, so that unbatched inputs are accepted; None means x.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for options that can't fit any input.
        """
        kept = geometry.entries(output_size)
        given = output_size if kept is None else tuple(1 if size is None else size for size in kept)
        sizes = known_sizes("output_size", given, spatial_dims)
        if kept is not None and not isinstance(sizes, int):
            sizes = tuple(None if old is None else new for old, new in zip(kept, sizes, strict=True))
        self.output_size = sizes
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)


class AdaptiveAvgPool(_AdaptivePool):
    """`functional.adaptive_avg_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The mean of each of the windows; shapes and errors as in `functional.adaptive_avg_pool`."""
        return F.adaptive_avg_pool(x, self.output_size, data_format=self.data_format)


class AdaptiveMaxPool(_AdaptivePool):
    """`functional.adaptive_max_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The largest value of each of the windows; shapes and errors as in `functional.adaptive_max_pool`."""
        return F.adaptive_max_pool(x, self.output_size, data_format=self.data_format)


class SpatialPyramidPool(nnx.Module):
    """`functional.spatial_pyramid_pool` as a layer: one vector of fixed length from an image of any size."""

    def __init__(
        self,
        levels: Size | Sequence[Size],
        *,
        pool: Callable[..., Any] = F.adaptive_max_pool,
        spatial_dims: Int | None = None,
        data_format: DataFormat = "channels_last",
    ):
        """Fix the options of `functional.spatial_pyramid_pool`.

        Args:
          levels: the grids' cells, such as (1, 2, 4): for each an int or N of them.
          pool: `functional.adaptive_max_pool`, `functional.adaptive_avg_pool` or a function like them.
          spatial_dims: N, so that unbatched inputs are accepted; None means what a level of N ints says, or else
            x.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for no levels, sizes below 1, or levels of another N.
          TypeError: for a `pool` that can't be called.
        """
        self.spatial_dims = optional_dims(spatial_dims)
        given = geometry.entries(levels) or ()
        sizes = [geometry.entries(level) for level in given]
        if self.spatial_dims is None:
            self.spatial_dims = next((len(size) for size in sizes if size), None)
        self.levels = tuple(known_sizes("levels", level, self.spatial_dims) for level in given)
        # A pool of the user's own may want more than one pixel.
        trial = F.adaptive_max_pool if callable(pool) else pool
        try_options(functools.partial(F.spatial_pyramid_pool, levels=levels, pool=trial), self.spatial_dims or 1)
        self.pool = pool
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The cells of every level in one vector; shapes and errors as in `functional.spatial_pyramid_pool`."""
        return F.spatial_pyramid_pool(
            x, self.levels, pool=self.pool, spatial_dims=self.spatial_dims, data_format=self.data_format
        )
