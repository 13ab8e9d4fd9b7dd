"""From arrays to shapes and dtypes: what an analysis reads, and all it reads."""

from typing import Any

import jax
import jax.numpy as jnp

HINT = "pass an array or jax.ShapeDtypeStruct(shape, dtype)"


def abstract_inputs(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs with every array replaced by its shape and dtype.

    Args:
      inputs: one per argument: an array, a `jax.ShapeDtypeStruct`, or a pytree of these.

    Raises:
      ValueError: there is no input.
      TypeError: an input holds something that is no array.
    """
    if not inputs:
        raise ValueError(f"summary needs the model's inputs, but got none; {HINT} for each argument of the model.")
    for position, value in enumerate(inputs):
        check_input(position, value)
    return tuple(jax.tree.map(abstract, value) for value in inputs)


def check_input(position: int, value: Any) -> None:
    """Refuse an input without arrays, such as a bare shape."""
    leaves = jax.tree.leaves(value)
    if not leaves or not all(is_array(leaf) for leaf in leaves):
        raise TypeError(f"inputs[{position}] must be an array, but is {value!r:.80}; {HINT}.")


def is_array(value: Any) -> bool:
    """Whether a value has the shape and dtype of an array."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def abstract(value: Any) -> Any:
    """Shape and dtype of an array, as JAX would see it; anything else as it is."""
    if not is_array(value):
        return value
    dtype = value.dtype
    if not jnp.issubdtype(dtype, jax.dtypes.extended):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
    return jax.ShapeDtypeStruct(value.shape, dtype, weak_type=getattr(value, "weak_type", False))
