"""What the pools refuse, in one sentence each, before anything compiles."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from jaxcnn.functional.dtypes import as_array, is_exact
from jaxcnn.geometry import PoolWindows, shown


def refuse_empty_windows(windows: PoolWindows) -> None:
    """ValueError where a window sees padding alone: it has no extreme and no mean."""
    for axis in range(len(windows.spatial)):
        empty = next((cell for cell in itertools.chain(*windows.border(axis)) if not windows.inside(axis, cell)), None)
        if empty is not None:
            raise ValueError(
                f"padding must leave every window a pixel of the input; got {windows.padding[axis]} in spatial "
                f"dimension {axis}, where window {empty} of {windows.window[axis]} taps "
                f"(stride {windows.strides[axis]}, dilation {windows.dilation[axis]}) sees padding alone; "
                "use less padding"
            )


def refuse_integer_average(x: Array, name: str) -> None:
    """TypeError for integers, whose average isn't one, in the operation `name`."""
    if is_exact(x.dtype):
        raise TypeError(
            f"x must be floating or complex for {name}, since integers have no integer average, got {x.dtype}; cast it"
        )


def refuse_complex(x: Array, name: str) -> None:
    """TypeError for complex numbers in the operation `name`."""
    if jnp.iscomplexobj(x):
        raise TypeError(f"x must be real for {name}, since complex numbers have no order, got {x.dtype}")


def refuse_uncountable(spatial: Sequence[Any]) -> None:
    """ValueError for an image whose pixels int32 can't count."""
    pixels = math.prod(spatial)
    if isinstance(pixels, int) and pixels >= 2**31:
        raise ValueError(f"x must have fewer than 2**31 pixels for int32 indices; got spatial shape {tuple(spatial)}")


def check_precision(precision: Any) -> None:
    """Refuse what `lax.conv_general_dilated` doesn't take for its precision.

    Raises:
      ValueError: for it.
    """
    if precision is None or isinstance(precision, lax.Precision):
        return
    one = jax.ShapeDtypeStruct((1, 1, 1), jnp.float32)
    try:
        jax.eval_shape(lambda x: lax.conv(x, x, (1,), "VALID", precision), one)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            'precision must be None, "default", "high", "highest", a jax.lax.Precision, or two of those; '
            f"got {shown(precision)}"
        ) from error


def as_scalar(name: str, value: Any, dtype: Any) -> Array:
    """`value`, one number, in `dtype`, refused where that would lose a fraction, an imaginary part or its size.

    Raises:
      ValueError: where it doesn't fit.
    """
    scalar = as_array(name, value)
    if scalar.shape != ():
        raise ValueError(f"{name} must be a scalar, got shape {scalar.shape}")
    if not _holds(dtype, scalar.dtype) or not _in_range(dtype, value):
        raise ValueError(f"{name} must fit the dtype of x, {dtype}; got {shown(value)}; use another one, or cast x")
    return lax.convert_element_type(value, dtype)


def _holds(dtype: Any, other: Any) -> bool:
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    ranks = [[jnp.issubdtype(d, kind) for kind in kinds].index(True) for d in (dtype, other)]
    return ranks[0] >= ranks[1]


def _in_range(dtype: Any, value: Any) -> bool:
    if isinstance(value, Tracer) or not (jnp.issubdtype(dtype, jnp.integer) and is_exact(np.asarray(value).dtype)):
        return True
    return int(jnp.iinfo(dtype).min) <= int(value) <= int(jnp.iinfo(dtype).max)


def check_reducer(reducer: Any, dtype: Any) -> None:
    """Refuse a `reducer` that doesn't take two arrays of `dtype` to one.

    Raises:
      TypeError: where it can't be called so.
      ValueError: where it returns something else.
    """
    rule = "reducer must be a function of two arrays that returns one of their shape and dtype"
    one = jax.ShapeDtypeStruct((), dtype)
    try:
        result = jax.eval_shape(reducer, one, one)
    except TypeError as error:
        reason = str(error).partition("\n")[0]
        raise TypeError(f"{rule}, such as jax.lax.mul; got {shown(reducer)}: {reason}") from error
    if getattr(result, "shape", None) != () or result.dtype != dtype:
        raise ValueError(f"{rule}; for two scalars of {dtype}, got {result}")
