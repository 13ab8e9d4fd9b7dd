"""The gradient of lax's own max and min pooling on the CPU, in plain comparisons and sums.

XLA's CPU backend runs `select_and_scatter_add`, which JAX transposes them to, as a scalar loop.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxcnn.lowering.pool import lowest
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
    return scattered(source, selected(operand, select_prim is lax.ge_p, windows), operand.shape, windows)


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


def scattered(source: Array, number: Array, shape: tuple[int, ...], windows: Windows) -> Array:
    """`source` at tap `number` of its windows, summed on zeros of `shape`.

    Pixels with the same remainder by the strides are seen by the same taps of their windows: each such phase is a sum
    of slices, and the phases are interleaved at the end.
    """
    reach = [-(-w // s) for w, s in zip(windows.window, windows.strides, strict=True)]
    margin = [(n - 1, n - 1, 0) for n in reach]
    number = lax.pad(number, jnp.int8(-1), margin)
    source = lax.pad(source, jnp.zeros((), source.dtype), margin)
    # XLA would compute both anew for every slice that is read.
    seen = lax.optimization_barrier((source, number))
    total = _interleaved(functools.partial(_phase, *seen, reach, windows), (), windows.strides)
    edges = [(-low, low + n - have, 0) for (low, _), n, have in zip(windows.padding, shape, total.shape, strict=True)]
    return lax.pad(total, jnp.zeros((), total.dtype), edges)


def _phase(source: Array, number: Array, reach: list[int], windows: Windows, at: tuple[int, ...]) -> Array:
    """The pixels with remainder `at`: from each window that sees them, its source if it selected them."""
    cells = [n - most + 1 for n, most in zip(source.shape, reach, strict=True)]
    total = jnp.zeros(cells, source.dtype)
    for back in np.ndindex(*reach):
        tap = np.array(at) + np.multiply(back, windows.strides)
        if np.all(tap < windows.window):
            start = [most - 1 - k for most, k in zip(reach, back, strict=True)]
            stop = [first + n for first, n in zip(start, cells, strict=True)]
            there = functools.partial(lax.slice, start_indices=start, limit_indices=stop)
            chosen = there(number) == int(np.ravel_multi_index(tuple(tap), windows.window))
            total += jnp.where(chosen, there(source), 0)
    return total


def _interleaved(phase: Callable[[tuple[int, ...]], Array], at: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The phases whose first remainders are `at`, merged over the axes that follow."""
    axis = len(at)
    if axis == len(strides):
        return phase(at)
    parts = [_interleaved(phase, (*at, remainder), strides) for remainder in range(strides[axis])]
    merged = [n * strides[axis] if a == axis else n for a, n in enumerate(parts[0].shape)]
    return jnp.stack(parts, axis + 1).reshape(merged)
