"""Options of layers, parsed once in the constructor, where a wrong one is nearest to its cause."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxcnn import geometry
from jaxcnn.geometry import Int, Padding, Size


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


def sliding(
    name: str, window: Size, strides: Size, padding: Padding, dilation: Size, spatial_dims: Int, *, dilation_name: str
) -> tuple[tuple[int, ...], tuple[int, ...], Any, tuple[int, ...]]:
    """A window, its strides, padding and dilation, parsed together since the window's length is N for all.

    Raises:
      ValueError: for options that can't fit any input.
    """
    sizes = window_of(name, window, spatial_dims)
    strides = geometry.as_sizes("strides", strides, len(sizes))
    dilation = geometry.as_sizes(dilation_name, dilation, len(sizes))
    return sizes, strides, static_padding(padding, sizes, strides), dilation


def optional_dims(spatial_dims: Int | None) -> int | None:
    """N, or None where a layer takes it from the rank of a batched input.

    Raises:
      ValueError: for an int below 1.
    """
    return None if spatial_dims is None else geometry.as_int("spatial_dims", spatial_dims, minimum=1)


def known_sizes(name: str, value: Any, spatial_dims: Int | None) -> int | tuple[int, ...]:
    """`value` as a tuple where N is known, from its own length or from `spatial_dims`; else the one int for any N.

    Raises:
      ValueError: for anything but ints above 0, 1 to 3 of them, or another count than `spatial_dims`.
    """
    given, dims = geometry.entries(value), optional_dims(spatial_dims)
    dims = len(given) if dims is None and given is not None else dims
    if dims is None:
        return geometry.as_int(name, value, minimum=1)
    if dims not in (1, 2, 3):
        raise ValueError(f"{name} must have 1 to 3 spatial dimensions, got {dims} in {name}={value!r}")
    return geometry.as_sizes(name, value, dims)


def divisor_groups(groups: Int, in_features: int, out_features: int) -> int:
    """`groups` as an int that divides the channels on both sides.

    Raises:
      ValueError: where it doesn't.
    """
    groups = geometry.as_int("groups", groups, minimum=1)
    if in_features % groups or out_features % groups:
        raise ValueError(
            f"groups must divide in_features and out_features; got {groups} with {in_features} and {out_features}"
        )
    return groups


def try_options(operation: Callable[[Array], Any], spatial_dims: int = 1) -> None:
    """Let a function refuse its options now, by its own sentences, on the shape of a batch of one pixel."""
    try:
        jax.eval_shape(operation, jax.ShapeDtypeStruct((1,) * (spatial_dims + 2), jnp.float32))
    except (TypeError, ValueError) as error:
        # The sentence alone, without JAX's note on the frames that it hid.
        raise type(error)(*error.args) from None


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


def function(name: str, value: Any) -> Callable[..., Any]:
    """`value`, which must be callable.

    Raises:
      TypeError: where it isn't; a name such as "relu" finds no function here.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, such as those of flax.nnx; got {geometry.shown(value)}")
    return value


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
