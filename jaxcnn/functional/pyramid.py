"""Spatial-pyramid pooling: one vector of fixed length from an image of any size."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.adaptive import adaptive_max_pool
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DataFormat, channels_last, global_layout
from jaxcnn.geometry import Int, Size

if TYPE_CHECKING:
    Pool: TypeAlias = Callable[..., Any]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Pool = Any


def spatial_pyramid_pool(
    x: Shaped[ArrayLike, "..."],
    levels: Size | Sequence[Size],
    *,
    pool: Pool = adaptive_max_pool,
    spatial_dims: Int | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Pool the image to a grid for every level and concatenate the cells: what a dense layer needs from any image size.

    Args:
      x: (batch, *spatial, channels), or with `data_format="channels_first"`; unbatched where `spatial_dims` says N.
      levels: the grids' cells, such as (1, 2, 4): for each an int or N of them; images may be smaller than a grid.
      pool: `adaptive_max_pool`, `adaptive_avg_pool` or any function of a channels-last batch and its N output sizes.

    Returns:
      (batch, Σ level^N · channels): level after level, in each the cells in row-major order, in each cell the channels
      (in both data formats).

    Raises:
      ValueError: for no levels, sizes below 1 or another count than the spatial dimensions, or an empty `x`; and what
        `pool` refuses.
      TypeError: for a `pool` that can't be called so.

    Source: He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks" (2014).
    """
    x = as_array("x", x)
    layout = global_layout(x, spatial_dims, data_format)
    if len(layout.spatial) > 3:
        raise ValueError(f"x must have 1 to 3 spatial axes for spatial_pyramid_pool; got shape {x.shape}")
    grids = _grids(levels, len(layout.spatial))
    _check_pool(pool)
    images, _ = channels_last(x, layout)
    y = jnp.concatenate([_pooled(images, grid, pool) for grid in grids], axis=1)
    return y if layout.batched else y[0]


def _grids(levels: Any, spatial_dims: int) -> list[tuple[int, ...]]:
    given = geometry.entries(levels)
    if not given:
        raise ValueError(f"levels must be at least one grid size, such as (1, 2, 4); got {geometry.shown(levels)}")
    grids = [geometry.as_sizes("levels", level, spatial_dims) for level in given]
    for grid in grids:
        geometry.refuse_huge("levels", grid, most=2**31)
    return grids


def _check_pool(pool: Any) -> None:
    try:
        inspect.signature(pool).bind("images", "sizes")
    except (TypeError, ValueError) as error:
        rule = "pool must be a function of images and their output sizes, such as adaptive_max_pool"
        raise TypeError(f"{rule}; got {geometry.shown(pool)}") from error


def _pooled(images: Array, grid: tuple[int, ...], pool: Callable[..., Any]) -> Array:
    y = pool(images, grid)
    shape = (images.shape[0], math.prod(grid), images.shape[-1])
    if getattr(y, "size", None) != math.prod(shape):
        raise ValueError(
            f"pool must return (batch, *sizes, channels), here {(shape[0], *grid, shape[-1])}; got "
            f"{getattr(y, 'shape', type(y).__name__)}"
        )
    return y.reshape(shape[0], shape[1] * shape[2])
