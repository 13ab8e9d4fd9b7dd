"""Where batch, space and channels lie in `x`: `data_format` and unbatched inputs, settled once for every operation."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import jax.numpy as jnp
from jax import Array

from jaxcnn import geometry
from jaxcnn.geometry import Int

if TYPE_CHECKING:
    DataFormat: TypeAlias = Literal["channels_last", "channels_first"]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    DataFormat = Any
DATA_FORMATS = ("channels_last", "channels_first")


class Layout(NamedTuple):
    """The axes of one array: N spatial ones, the channels', and whether a batch axis leads."""

    spatial: tuple[int, ...]
    channels: int
    batched: bool

    def at_spatial(self, values: Sequence[Any], elsewhere: Any) -> tuple[Any, ...]:
        """One entry an axis: `values` at the spatial axes, `elsewhere` at batch and channels."""
        entries = [elsewhere] * (len(self.spatial) + 1 + self.batched)
        for axis, value in zip(self.spatial, values, strict=True):
            entries[axis] = value
        return tuple(entries)


def one_of(name: str, value: Any, allowed: Sequence[str]) -> Any:
    """`value`, which must be one of the words `allowed`.

    Raises:
      ValueError: where it isn't.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {geometry.shown(value)}")
    return value


def layout_of(x: Array, spatial_dims: int, data_format: DataFormat, name: str = "x") -> Layout:
    """The layout of `x`, the argument `name`, with `spatial_dims` spatial dimensions, batched or not.

    Raises:
      ValueError: for an unknown `data_format` or another rank, or where an axis but the batch's is empty.
    """
    first = one_of("data_format", data_format, DATA_FORMATS) == "channels_first"
    if x.ndim not in (spatial_dims + 1, spatial_dims + 2):
        axes = "channels, *spatial" if first else "*spatial, channels"
        raise ValueError(
            f"{name} must have {spatial_dims + 2} axes (batch, {axes}), or {spatial_dims + 1} without the batch, for "
            f"{spatial_dims} spatial dimensions; got shape {x.shape}"
        )
    batched = x.ndim == spatial_dims + 2
    start = batched + first
    layout = Layout(tuple(range(start, start + spatial_dims)), int(batched) if first else x.ndim - 1, batched)
    if 0 in (x.shape[layout.channels], *(x.shape[axis] for axis in layout.spatial)):
        raise ValueError(f"{name} must have at least one pixel and one channel; got shape {x.shape}")
    return layout


def window_dims(window: Any, x: Array, name: str = "window") -> int:
    """N: the length of a tuple `window`, the argument `name`, or what an int leaves of the axes of a batched `x`.

    Raises:
      ValueError: where that isn't 1, 2 or 3.
    """
    sizes = geometry.entries(window)
    spatial_dims = x.ndim - 2 if sizes is None else len(sizes)
    if spatial_dims not in (1, 2, 3):
        raise ValueError(
            f"{name} must be an int with x of 3 to 5 axes (batch, *spatial, channels), or a tuple of 1 to 3 ints; got "
            f"{geometry.shown(window)} with shape {x.shape}"
        )
    return spatial_dims


def global_layout(x: Array, spatial_dims: Int | None, data_format: DataFormat) -> Layout:
    """The layout of `x` with `spatial_dims` spatial dimensions; None means that `x` is batched.

    Raises:
      ValueError: as `layout_of`, and for an `x` without spatial axes.
    """
    spatial_dims = x.ndim - 2 if spatial_dims is None else geometry.as_int("spatial_dims", spatial_dims, minimum=1)
    if spatial_dims < 1:
        raise ValueError(
            f"x must have axes (batch, *spatial, channels) with at least one spatial axis; got shape {x.shape}"
        )
    return layout_of(x, spatial_dims, data_format)


def channels_last(x: Array, layout: Layout) -> tuple[Array, Callable[[Array], Array]]:
    """`x` as (batch, *spatial, channels), and the way back for a result in that layout."""
    moved = jnp.moveaxis(x, layout.channels, -1)

    def back(y: Array) -> Array:
        return jnp.moveaxis(y if layout.batched else y[0], -1, layout.channels)

    return (moved if layout.batched else moved[None]), back
