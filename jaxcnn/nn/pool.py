"""Pooling layers: no parameters, a window and its options fixed in the constructor."""

import functools

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.options import optional_dims, try_options
from jaxcnn.nn.windowed import WindowedPool


class MaxPool(WindowedPool):
    """`functional.max_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The largest value of every window; shapes and errors as in `functional.max_pool`."""
        return self._apply(F.max_pool, x)


class MinPool(WindowedPool):
    """`functional.min_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The smallest value of every window; shapes and errors as in `functional.min_pool`."""
        return self._apply(F.min_pool, x)


class SumPool(WindowedPool):
    """`functional.sum_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The sum of every window; shapes and errors as in `functional.sum_pool`."""
        return self._apply(F.sum_pool, x)


class AvgPool(WindowedPool):
    """`functional.avg_pool` as a layer."""

    def __init__(
        self,
        window: Size,
        *,
        strides: Size | None = None,
        padding: Padding = "VALID",
        dilation: Size = 1,
        ceil_mode: Flag = False,
        count_include_pad: Flag = False,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
    ):
        """Fix the options of `functional.avg_pool`; `spatial_dims` is N where `window` is an int.

        Raises:
          ValueError: for options that can't fit any input.
        """
        super().__init__(
            window,
            strides=strides,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            data_format=data_format,
            spatial_dims=spatial_dims,
        )
        self.count_include_pad = geometry.as_bool("count_include_pad", count_include_pad)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The mean of every window; shapes and errors as in `functional.avg_pool`."""
        return self._apply(functools.partial(F.avg_pool, count_include_pad=self.count_include_pad), x)


class LpPool(WindowedPool):
    """`functional.lp_pool` as a layer."""

    def __init__(
        self,
        window: Size,
        *,
        p: float | Int = 2,
        strides: Size | None = None,
        padding: Padding = "VALID",
        dilation: Size = 1,
        ceil_mode: Flag = False,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
    ):
        """Fix the options of `functional.lp_pool`; `spatial_dims` is N where `window` is an int.

        Raises:
          ValueError: for options that can't fit any input.
        """
        super().__init__(
            window,
            strides=strides,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            data_format=data_format,
            spatial_dims=spatial_dims,
        )
        try_options(functools.partial(F.lp_pool, window=1, p=p))
        self.p = float(p)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """(Σ |x|^p)^(1/p) of every window; shapes and errors as in `functional.lp_pool`."""
        return self._apply(functools.partial(F.lp_pool, p=self.p), x)


class _GlobalPool(nnx.Module):
    """The options that both global pools have."""

    def __init__(
        self, *, keepdims: Flag = False, spatial_dims: Int | None = None, data_format: DataFormat = "channels_last"
    ):
        """Fix the options of the `functional` pool of the same name.

        Args:
          keepdims: leave the spatial axes in place, each of size 1.
          spatial_dims: N, so that unbatched inputs are accepted; None means x.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for options that can't fit any input.
        """
        self.keepdims = geometry.as_bool("keepdims", keepdims)
        self.spatial_dims = optional_dims(spatial_dims)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)


class GlobalAvgPool(_GlobalPool):
    """`functional.global_avg_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The mean of each channel over the image; shapes and errors as in `functional.global_avg_pool`."""
        return F.global_avg_pool(
            x, keepdims=self.keepdims, spatial_dims=self.spatial_dims, data_format=self.data_format
        )


class GlobalMaxPool(_GlobalPool):
    """`functional.global_max_pool` as a layer."""

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The largest value of each channel over the image; shapes and errors as in `functional.global_max_pool`."""
        return F.global_max_pool(
            x, keepdims=self.keepdims, spatial_dims=self.spatial_dims, data_format=self.data_format
        )
