"""The gradient of lax's own max and min pooling on the CPU, in plain comparisons and sums.

XLA's CPU backend runs `select_and_scatter_add`, which JAX transposes them to, as a scalar loop.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxcnn.lowering.pool import lowest, taken
from jaxcnn.lowering.windows import Windows

# Every tap is written out, and numbered in eight bits; windows with more are left to XLA.
MOST_TAPS = 64


def suits(
    source: Any, operand: Any, *, select_prim: Any, window_dimensions: Any, window_strides: Any, **_: Any
) -> bool:
    """Whether `select_and_scatter_add` with these operands is ours: known sizes, small windows, no half sums."""
    numbers = (*source.shape, *operand.shape)
    if not all(isinstance(n, int) and n > 0 for n in numbers) or select_prim not in (lax.ge_p, lax.le_p):
        return False
    apart = all(w <= s for w, s in zip(window_dimensions, window_strides, strict=True))
    sums_exactly = apart or source.dtype in (np.float32, np.float64)
    return jnp.issubdtype(source.dtype, jnp.floating) and sums_exactly and math.prod(window_dimensions) <= MOST_TAPS


def select_and_scatter_add(
    source: Array, operand: Array, *, select_prim: Any, window_dimensions: Any, window_strides: Any, padding: Any
) -> Array:
    """Every window's `source` at the tap of `operand` that lax selects, summed where windows overlap."""
    dilation = (1,) * operand.ndim
    windows = Windows(tuple(window_dimensions), tuple(window_strides), tuple(map(tuple, padding)), dilation)
    number = selected(operand, select_prim is lax.ge_p, windows)
    return jax.linear_transpose(lambda t: taken(t, number, windows), operand)(source)[0]


def selected(operand: Array, largest: bool, windows: Windows) -> Array:
    """For every window the row-major number of the tap that lax selects.

    lax keeps what it has while that compares as large (as small) as the next tap: the first of equals wins, but a NaN
    is both taken and replaced by whatever follows it, and padding takes part as -inf (inf).
    """
    padded, keeps = windows.pad(operand, lowest(operand.dtype, largest)), lax.ge if largest else lax.le
    first, *others = windows.taps()
    best = windows.tap(padded, first)
    number = jnp.zeros(best.shape, jnp.int8)
    for n, at in enumerate(others, 1):
        value = windows.tap(padded, at)
        kept = keeps(best, value)
        best, number = jnp.where(kept, best, value), jnp.where(kept, number, jnp.int8(n))
    return number
