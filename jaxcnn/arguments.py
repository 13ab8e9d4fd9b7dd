"""Arguments parsed once: integers, one size for all dimensions or one each, flags; and the types that say so."""

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import numpy as np

if TYPE_CHECKING:
    Int: TypeAlias = SupportsIndex
    Flag: TypeAlias = bool
    Size: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
    Padding: TypeAlias = str | SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Int = Flag = Size = Padding = Any


MOST_PIXELS = 2**40  # Beyond every machine's memory; XLA ends the whole process where sizes overflow.


def shown(value: Any) -> str:
    """`value` as an error quotes it: on one line, and not all of a large one."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def as_int(name: str, value: Any, *, minimum: int) -> int:
    """`value` as an int of at least `minimum`; booleans and floats are refused, NumPy integers are not."""
    number = _integer(value)
    if number is None or number < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {shown(value)}")
    if number >= 2**31:
        raise ValueError(f"{name} must be below 2**31, got {shown(value)}")
    return number


def _integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def as_sizes(name: str, value: Any, spatial_dims: int, *, minimum: int = 1) -> tuple[int, ...]:
    """An int for every spatial dimension, or one int each, as a tuple of `spatial_dims` ints >= `minimum`."""
    rule = f"{name} must be an integer >= {minimum} or {spatial_dims} of them, one a spatial dimension"
    sizes = entries(value)
    if sizes is None:
        sizes = (value,) * spatial_dims
    if len(sizes) != spatial_dims:
        raise ValueError(f"{rule}; got {shown(value)}, which has {len(sizes)}")
    if any(size is None or size < minimum for size in map(_integer, sizes)):
        raise ValueError(f"{rule}; got {shown(value)}")
    return tuple(as_int(name, size, minimum=minimum) for size in sizes)


def refuse_huge(name: str, sizes: Sequence[int], most: int = MOST_PIXELS) -> None:
    """ValueError where the argument `name` asks for a map of `most` pixels or more."""
    if math.prod(sizes) >= most:
        raise ValueError(f"{name} must leave a map of fewer than 2**{most.bit_length() - 1} pixels; got {tuple(sizes)}")


def as_bool(name: str, value: Any) -> bool:
    """`value` as a bool; a word such as "no", which Python takes for true, is refused."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def entries(value: Any) -> tuple[Any, ...] | None:
    """The entries of a list, a tuple or an array with axes; None for anything else, a word included."""
    if isinstance(value, str | bytes) or not (isinstance(value, Sequence) or getattr(value, "ndim", 0)):
        return None
    return tuple(value)
