"""Arrays of numbers, and the contract's dtypes: half types accumulate in float32, small integers in int32."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxcnn.geometry import shown


def as_array(name: str, value: Any) -> Array:
    """`value` as a JAX array.

    Raises:
      TypeError: where it doesn't hold numbers.
      ValueError: for integers that no dtype holds.
    """
    try:
        array = None if _has_words(value) else jnp.asarray(value)
    except (TypeError, ValueError):
        array = None
    except OverflowError as error:
        raise ValueError(f"{name} must hold integers of at most 64 bits, got {shown(value)}; use floats") from error
    if array is None or not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == jnp.bool_):
        kind = type(value).__name__ if array is None else f"one of {array.dtype}"
        raise TypeError(f"{name} must be an array of numbers, got {kind}")
    return array


def _has_words(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_words, value))
    return isinstance(value, str | bytes)


def is_exact(dtype: Any) -> bool:
    """Whether `dtype` is boolean or integer."""
    return not jnp.issubdtype(dtype, jnp.inexact)


def summed(dtype: Any) -> Any:
    """The dtype of a sum of `dtype`: int32 for booleans and integers (int64 stays), else `dtype` itself."""
    if not is_exact(dtype):
        return jnp.dtype(dtype)
    return jnp.dtype(jnp.int64 if jnp.dtype(dtype).itemsize == 8 else jnp.int32)


def accumulator(dtype: Any) -> Any:
    """The dtype in which a sum of `dtype` is carried: float32 for half types."""
    if jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32:
        return jnp.dtype(jnp.float32)
    return summed(dtype)


def cast_bias(bias: Array, dtype: Any) -> Array:
    """`bias` in the result's dtype, refused where that would drop its fraction or its imaginary part.

    Raises:
      TypeError: for a floating bias on integers, or a complex one on reals.
    """
    if is_exact(dtype) > is_exact(bias.dtype) or (
        jnp.iscomplexobj(bias) and not jnp.issubdtype(dtype, jnp.complexfloating)
    ):
        raise TypeError(
            f"bias of {bias.dtype} would lose values in a result of {dtype}; cast x or kernel to {bias.dtype}"
        )
    return bias.astype(dtype)
