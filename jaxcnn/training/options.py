"""What a training step may do beyond the mean cross-entropy of its batch."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class StepOptions:
    """Static options of a step, part of its program; the defaults add nothing to it.

    Attributes:
      label_smoothing: the share of the target that goes to all classes alike, 0 up to but not 1.
      class_weights: a factor for the loss of each class's examples; None for 1.
      ema: decay of the moving average of the parameters; None for none.
      compute_dtype: in which the model computes; None leaves that to its layers.
      accumulate_steps: batches whose gradients make one update.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    ema: float | None = None
    compute_dtype: np.dtype | None = None
    accumulate_steps: int = 1


NO_OPTIONS = StepOptions()


def check_number(name: str, value: object) -> float:
    """The value as a float; NumPy's numbers pass, bools and words do not."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    return float(value)


def check_fraction(name: str, value: object) -> float:
    """The value as a float in 0..1, without 1."""
    found = check_number(name, value)
    if not 0 <= found < 1:
        raise ValueError(f"{name} must lie in 0..1 and below 1, got {value}")
    return found


def check_class_weights(weights: object, classes: int) -> tuple[float, ...] | None:
    """One number of 0 or more a class, not all 0."""
    if weights is None:
        return None
    given = np.asarray(weights) if isinstance(weights, jax.Array) else weights
    if isinstance(given, str | dict) or not isinstance(given, Iterable) or getattr(given, "shape", None) == ():
        raise TypeError(
            f"class_weights must be a sequence of {classes} numbers or None, got {type(weights).__name__};"
            " list them in the order of the classes"
        )
    found = tuple(check_number(f"class_weights[{index}]", each) for index, each in enumerate(given))
    if len(found) != classes:
        raise ValueError(f"class_weights must be one for each of the model's {classes} classes, got {len(found)}")
    if not all(0 <= each < math.inf for each in found) or not any(found):
        raise ValueError(f"class_weights must be finite, 0 or more and not all 0, got {found}")
    return found


def check_compute_dtype(dtype: Any) -> np.dtype | None:
    """A floating dtype; one that JAX would narrow without `jax_enable_x64` is refused."""
    if dtype is None:
        return None
    try:
        found = jnp.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"compute_dtype must be a dtype such as jnp.bfloat16, or None, got {dtype!r}") from error
    if not jnp.issubdtype(found, jnp.floating) or jax.dtypes.canonicalize_dtype(found) != found:
        raise ValueError(
            f"compute_dtype must be a floating dtype that JAX computes in, such as jnp.bfloat16, got {found};"
            " float64 needs jax_enable_x64"
        )
    return found
