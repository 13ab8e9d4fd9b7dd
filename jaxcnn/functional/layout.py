"""Where batch, space and channels lie in `x`: `data_format` and unbatched inputs, settled once for every operation."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import jax.numpy as jnp
from jax import Array

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
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}")
    return value


def layout_of(x: Array, spatial_dims: int, data_format: DataFormat) -> Layout:
    """The layout of `x` with `spatial_dims` spatial dimensions, batched or not.

    Raises:
      ValueError: for an unknown `data_format` or another rank, or where an axis but the batch's is empty.
    """
    first = one_of("data_format", data_format, DATA_FORMATS) == "channels_first"
    if x.ndim not in (spatial_dims + 1, spatial_dims + 2):
        axes = "channels, *spatial" if first else "*spatial, channels"
        raise ValueError(
            f"x must have {spatial_dims + 2} axes (batch, {axes}), or {spatial_dims + 1} without the batch, for "
            f"{spatial_dims} spatial dimensions; got shape {x.shape}"
        )
    batched = x.ndim == spatial_dims + 2
    start = batched + first
    layout = Layout(tuple(range(start, start + spatial_dims)), int(batched) if first else x.ndim - 1, batched)
    if 0 in (x.shape[layout.channels], *(x.shape[axis] for axis in layout.spatial)):
        raise ValueError(f"x must have at least one pixel and one channel; got shape {x.shape}")
    return layout


def channels_last(x: Array, layout: Layout) -> tuple[Array, Callable[[Array], Array]]:
    """`x` as (batch, *spatial, channels), and the way back for a result in that layout."""
    moved = jnp.moveaxis(x, layout.channels, -1)

    def back(y: Array) -> Array:
        return jnp.moveaxis(y if layout.batched else y[0], -1, layout.channels)

    return (moved if layout.batched else moved[None]), back
