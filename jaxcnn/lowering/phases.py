"""From every window one tap, in the form whose transpose runs fast on a CPU.

The phases of an array are its pixels with the same remainders by the strides. Taps are phases here, and come to their
windows by padding; so JAX transposes to slices of the padded cotangent, a sum for each phase, and the phases
interleaved. Slices of the array itself would transpose to padding with holes: XLA's CPU backend fuses all of them into
one loop, which asks for every pixel and tap whether it falls into one.
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxcnn.lowering.windows import Windows


def taken(t: Array, number: Array, windows: Windows) -> Array:
    """From every window of `t` the value at tap `number`, in padding 0."""
    steps, remainders = np.divmod(windows.taps() * np.array(windows.dilation), windows.strides)
    reach, cells = steps.max(0), windows.output_shape(t.shape)
    phases = _phases(_whole(t, windows, cells, reach), windows.strides, remainders)
    # XLA would compute this, and on the way back the cotangent, anew for every slice that is read.
    number = lax.optimization_barrier(lax.pad(number, number.dtype.type(-1), [(n, n, 0) for n in reach.tolist()]))
    parts = []
    for tap, (step, remainder) in enumerate(zip(steps, remainders, strict=True)):
        phase, start = phases[tuple(remainder.tolist())], reach - step
        part = jnp.where(_slice(number, start, phase.shape) == tap, phase, 0)
        edges = zip(start.tolist(), step.tolist(), (0,) * t.ndim, strict=True)
        parts.append(lax.pad(part, jnp.zeros((), t.dtype), list(edges)))
    return _slice(lax.optimization_barrier(functools.reduce(jnp.add, parts)), reach, cells)


def _slice(x: Array, start: np.ndarray, shape: tuple[Any, ...]) -> Array:
    first = start.tolist()
    return lax.slice(x, first, [low + n for low, n in zip(first, shape, strict=True)])


def _whole(t: Array, windows: Windows, cells: tuple[int, ...], reach: np.ndarray) -> Array:
    """`t` with its padding, in whole strides as far as the windows reach."""
    sizes = [(n + more) * s for n, more, s in zip(cells, reach.tolist(), windows.strides, strict=True)]
    lows = [low for low, _ in windows.padding]
    edges = [(low, size - low - n, 0) for low, size, n in zip(lows, sizes, t.shape, strict=True)]
    return lax.pad(t, jnp.zeros((), t.dtype), edges)


def _phases(x: Array, strides: tuple[int, ...], remainders: np.ndarray) -> dict[tuple[int, ...], Array]:
    """The phases of `x`, by their remainders."""
    parts: dict[tuple[int, ...], Array] = {(): x}
    for axis, stride in enumerate(strides):
        used = set(remainders[:, axis].tolist())
        parts = {(*at, r): rows for at, part in parts.items() for r, rows in _rows(part, axis, stride, used)}
    return parts


def _rows(x: Array, axis: int, stride: int, used: set[int]) -> list[tuple[int, Array]]:
    """For every remainder in `used` the pixels of `axis` with that remainder by `stride`."""
    if stride == 1:
        return [(0, x)]
    edges = sorted({0, stride, *used, *(r + 1 for r in used)})
    rows = x.reshape(*x.shape[:axis], x.shape[axis] // stride, stride, *x.shape[axis + 1 :])
    # Split and not sliced, for that transposes to a concatenation.
    pieces = lax.split(rows, np.diff(edges).tolist(), axis + 1)
    return [(r, jnp.squeeze(piece, axis + 1)) for r, piece in zip(edges[:-1], pieces, strict=True) if r in used]
