"""Windows on an array: where they lie, what each of their taps sees, and a walk over the taps."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# More taps than these run in a loop: written out, XLA would take seconds to compile them, a whole image's minutes.
MOST_UNROLLED = 128


class Windows(NamedTuple):
    """Full-rank windows: one entry an axis of the array, batch and channels included."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def taps(self) -> np.ndarray:
        """Positions in the window, row-major: (taps, axes)."""
        return np.array(list(np.ndindex(*self.window)), np.int32)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the pooled array."""
        spans = [d * (w - 1) + 1 for w, d in zip(self.window, self.dilation, strict=True)]
        padded = [n + sum(pair) for n, pair in zip(shape, self.padding, strict=True)]
        return tuple((n - span) // s + 1 for n, span, s in zip(padded, spans, self.strides, strict=True))

    def is_disjoint(self) -> bool:
        """Whether the windows tile the input: then a reshape does what slices would."""
        return self.window == self.strides and set(self.dilation) == {1} and not self.is_padded()

    def is_padded(self) -> bool:
        """Whether a window may see padding."""
        return any(map(any, self.padding))

    def steps(self) -> tuple["Windows", ...]:
        """Windows along one axis each, the last axis first, that one after another see what these do.

        They visit a w×w window in 2w taps. Small disjoint windows, which visit every pixel once, stay one step.
        """
        if self.is_disjoint() and is_small(self):
            return (self,)
        plain = (1, 1, (0, 0), 1)
        columns = list(zip(*self, strict=True))
        axes = [axis for axis, column in enumerate(columns) if column[:3] != plain[:3]]
        return tuple(
            Windows(*zip(*(column if a == axis else plain for a, column in enumerate(columns)), strict=True))
            for axis in reversed(axes)
        )

    def tap(self, padded: Array, at: Any) -> Array:
        """What tap `at` of every window sees, from an array that carries the padding; `at` may be traced."""
        cells = self.output_shape(tuple(n - sum(p) for n, p in zip(padded.shape, self.padding, strict=True)))
        sizes = [(n - 1) * s + 1 if n else 0 for n, s in zip(cells, self.strides, strict=True)]
        start = at * np.array(self.dilation, np.int32)
        if isinstance(start, Array):
            return lax.slice(lax.dynamic_slice(padded, start, sizes), [0] * len(sizes), sizes, self.strides)
        return lax.slice(padded, start, start + sizes, self.strides)

    def sees_input(self, shape: tuple[int, ...], at: Any) -> Any:
        """Whether tap `at` of every window lies in the input: booleans that broadcast to the output."""
        seen: Any = np.ones((1,) * len(shape), bool)
        for axis, cells in enumerate(self.output_shape(shape)):
            if any(self.padding[axis]):
                first = at[axis] * self.dilation[axis] - self.padding[axis][0]
                pixels = first + np.arange(cells, dtype=np.int32) * self.strides[axis]
                inside = (pixels >= 0) & (pixels < shape[axis])
                seen = seen & inside.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        return seen

    def first_inside(self, shape: tuple[int, ...]) -> np.ndarray:
        """The row-major number of every window's first tap in the input: integers that broadcast to the output."""
        number = np.zeros((1,) * len(shape), np.int32)
        for axis, cells in enumerate(self.output_shape(shape)):
            number = number * self.window[axis]
            if low := self.padding[axis][0]:
                starts = np.arange(cells) * self.strides[axis] - low
                before = np.maximum(-(starts // self.dilation[axis]), 0)
                number = number + before.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        return number

    def pixels(self, taps: Array, shape: tuple[int, ...], axes: Sequence[int]) -> Array:
        """The pixel, row-major over `axes` of an array of `shape`, that tap number `taps` of every window sees."""
        flat, position = jnp.zeros_like(taps), jnp.unravel_index(taps, self.window)
        for axis in axes:
            cell = lax.broadcasted_iota(taps.dtype, taps.shape, axis)
            pixel = cell * self.strides[axis] + position[axis] * self.dilation[axis] - self.padding[axis][0]
            flat = flat * shape[axis] + pixel
        return flat

    def pad(self, x: Array, value: Any) -> Array:
        """`x` with its padding filled by `value`."""
        return lax.pad(x, jnp.asarray(value, x.dtype), [(low, high, 0) for low, high in self.padding])

    def tiles(self, x: Array) -> Array:
        """Disjoint windows as (cells, window) pairs of axes, a partial last window cut off."""
        cells = self.output_shape(x.shape)
        x = x[tuple(slice(n * w) for n, w in zip(cells, self.window, strict=True))]
        # One axis after the other: JAX splits no two at once of an array whose type says how it is sharded.
        for axis in reversed(range(x.ndim)):
            x = x.reshape(*x.shape[:axis], cells[axis], self.window[axis], *x.shape[axis + 1 :])
        return x


def reduce_window(x: Array, init: Any, reducer: Callable[..., Any], windows: Windows) -> Array:
    """`lax.reduce_window` on parsed windows."""
    return lax.reduce_window(
        x, init, reducer, windows.window, windows.strides, windows.padding, window_dilation=windows.dilation
    )


def over_taps(step: Callable[..., Any], carry: Any, windows: Windows, *, unroll: bool) -> Any:
    """`carry = step(carry, number, at)` for every tap of the window, in row-major order."""
    numbered = list(enumerate(windows.taps()))
    unrolled = len(numbered) if unroll else 1
    for number, at in numbered[:unrolled]:
        carry = step(carry, number, at)
    if unrolled == len(numbered):
        return carry
    # One tap lies outside, so that the carry varies over the same devices before and after a step.
    numbers, taps = (jnp.asarray(np.array(column, np.int32)) for column in zip(*numbered[unrolled:], strict=True))
    return lax.scan(lambda carry, tap: (step(carry, *tap), None), carry, (numbers, taps))[0]


def is_small(windows: Windows) -> bool:
    """Whether the window's taps are few enough to write out."""
    return math.prod(windows.window) <= MOST_UNROLLED
