"""Options of layers, parsed once in the constructor, where a wrong one is nearest to its cause."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxcnn import geometry
from jaxcnn.geometry import Int, Padding


def window_of(name: str, window: Any, spatial_dims: Int) -> tuple[int, ...]:
    """A window as a tuple: its own length is N, or `spatial_dims` for an int.

    Raises:
      ValueError: for anything but 1 to 3 ints above 0.
    """
    sizes = geometry.entries(window)
    count = geometry.as_int("spatial_dims", spatial_dims, minimum=1) if sizes is None else len(sizes)
    if count not in (1, 2, 3):
        raise ValueError(f"{name} must have 1 to 3 spatial dimensions, got {count} in {name}={window!r}")
    return geometry.as_sizes(name, window, count)


def static_padding(padding: Padding, window: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """`padding` checked and hashable, its words kept: their pads depend on the input.

    Raises:
      ValueError: as `functional.conv`.
    """
    ones = (1,) * len(window)
    pairs = geometry.padding_pairs(padding, window, window, strides=strides, dilation=ones)
    return padding.upper() if isinstance(padding, str) else pairs


def inexact(name: str, dtype: Any) -> Any:
    """`dtype`, which must be floating or complex: in integers a layer would lose its parameters' fractions.

    Raises:
      ValueError: where it isn't.
    """
    try:
        exact = not jnp.issubdtype(jnp.dtype(dtype), jnp.inexact)
    except TypeError:
        exact = True
    if exact:
        raise ValueError(f"{name} must be a floating or complex dtype, got {dtype!r}")
    return dtype


def promote(*arrays: Any, dtype: Any) -> tuple[Any, ...]:
    """Arrays in one dtype: `dtype`, or where it is None the common inexact one, as Flax promotes. None stays None."""
    arrays = tuple(None if a is None else jnp.asarray(a) for a in arrays)
    common = jnp.result_type(*(a for a in arrays if a is not None)) if dtype is None else dtype
    if dtype is None and not jnp.issubdtype(common, jnp.inexact):
        common = jnp.promote_types(common, jnp.float32)
    return tuple(None if a is None else as_dtype(a, common) for a in arrays)


def as_dtype(array: Array, dtype: Any) -> Array:
    """`array.astype(dtype)`, without touching one that has it."""
    return array if array.dtype == dtype else array.astype(dtype)
