"""How pooling runs: `lax.reduce_window` forward, and tangents in plain slices, comparisons and sums.

JAX transposes and batches those by itself. Its own rules for reduce_window raise for dilated windows and custom
reducers, and select_and_scatter, which it transposes max pooling to, is slow on CPUs.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax


class Windows(NamedTuple):
    """Full-rank windows: one entry an axis of the array, batch and channels included."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def taps(self) -> Iterator[tuple[int, ...]]:
        """Positions in the window, row-major."""
        return np.ndindex(*self.window)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the pooled array."""
        spans = [d * (w - 1) + 1 for w, d in zip(self.window, self.dilation, strict=True)]
        padded = [n + sum(pair) for n, pair in zip(shape, self.padding, strict=True)]
        return tuple((n - span) // s + 1 for n, span, s in zip(padded, spans, self.strides, strict=True))

    def is_disjoint(self) -> bool:
        """Whether the windows tile the input: then a reshape does what slices would."""
        return self.window == self.strides and set(self.dilation) == {1} and not any(map(any, self.padding))

    def tap(self, padded: Array, at: tuple[int, ...]) -> Array:
        """What tap `at` of every window sees, from an array that carries the padding."""
        cells = self.output_shape(tuple(n - sum(p) for n, p in zip(padded.shape, self.padding, strict=True)))
        start = [i * d for i, d in zip(at, self.dilation, strict=True)]
        stop = [i + (n - 1) * s + 1 for i, n, s in zip(start, cells, self.strides, strict=True)]
        return lax.slice(padded, start, stop, self.strides)

    def pad(self, x: Array, value: Any) -> Array:
        """`x` with its padding filled by `value`."""
        return lax.pad(x, jnp.asarray(value, x.dtype), [(low, high, 0) for low, high in self.padding])

    def tiles(self, x: Array) -> Array:
        """Disjoint windows as (cells, window) pairs of axes, a partial last window cut off."""
        cells = self.output_shape(x.shape)
        x = x[tuple(slice(n * w) for n, w in zip(cells, self.window, strict=True))]
        return x.reshape([n for pair in zip(cells, self.window, strict=True) for n in pair])


def reduce_window(x: Array, init: Any, reducer: Callable[..., Any], windows: Windows) -> Array:
    """`lax.reduce_window` on parsed windows."""
    return lax.reduce_window(
        x, init, reducer, windows.window, windows.strides, windows.padding, window_dilation=windows.dilation
    )


def lowest(dtype: Any, largest: bool) -> Any:
    """The value that never wins a maximum (`largest`) or a minimum."""
    if dtype == np.bool_:
        return np.bool_(not largest)
    if jnp.issubdtype(dtype, jnp.integer):
        return np.array(jnp.iinfo(dtype).min if largest else jnp.iinfo(dtype).max, dtype)
    return np.array(-np.inf if largest else np.inf, dtype)


def _extreme(x: Array, largest: bool, windows: Windows) -> Array:
    """The largest (or smallest) value of every window; its gradient goes to the first such tap in row-major order."""
    return reduce_window(x, lowest(x.dtype, largest), lax.max if largest else lax.min, windows)


extreme = jax.custom_jvp(_extreme, nondiff_argnums=(1, 2))


@extreme.defjvp
def _extreme_jvp(largest: bool, windows: Windows, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = extreme(x, largest, windows)
    return y, taken(t, winners(x, y, largest, windows), windows)


def winners(x: Array, y: Array, largest: bool, windows: Windows) -> Array:
    """For every window the row-major number of the first tap that holds its extreme `y`; a NaN counts as one."""
    padded, inside = windows.pad(x, lowest(x.dtype, largest)), _inside(x.shape, windows)
    first = jnp.zeros(y.shape, jnp.int32)
    for number, at in reversed(list(enumerate(windows.taps()))):
        value = windows.tap(padded, at)
        wins = (value == y) | (value != value)
        if inside is not None:
            wins &= jnp.broadcast_to(_seen(inside, windows, at), y.shape)
        first = jnp.where(wins, number, first)
    return first


def _inside(shape: tuple[int, ...], windows: Windows) -> list[np.ndarray] | None:
    """An axis's pixels and padding as True and False, so that padding can't tie with −inf; None without padding."""
    if not any(map(any, windows.padding)):
        return None
    return [np.pad(np.ones(n, bool), pair) for n, pair in zip(shape, windows.padding, strict=True)]


def _seen(inside: list[np.ndarray], windows: Windows, at: tuple[int, ...]) -> Array:
    """Whether tap `at` of every window lies inside, broadcastable to the output."""
    cells = windows.output_shape(tuple(len(a) - sum(p) for a, p in zip(inside, windows.padding, strict=True)))
    seen = np.ones((1,) * len(inside), bool)
    for axis, (mask, n) in enumerate(zip(inside, cells, strict=True)):
        row = mask[at[axis] * windows.dilation[axis] :: windows.strides[axis]][:n]
        if not row.all():
            seen = seen & np.expand_dims(row, [a for a in range(len(inside)) if a != axis])
    return jnp.asarray(seen)


def taken(t: Array, winner: Array, windows: Windows) -> Array:
    """From every window of `t` the value at tap `winner`."""
    if windows.is_disjoint():
        tiles, taps = windows.tiles(t), math.prod(windows.window)
        numbers = jnp.arange(taps, dtype=winner.dtype).reshape([n for w in windows.window for n in (1, w)])
        chosen = jnp.broadcast_to(numbers, tiles.shape) == _over_tiles(winner, windows)
        return jnp.where(chosen, tiles, 0).sum(tuple(range(1, tiles.ndim, 2)))
    padded = windows.pad(t, 0)
    parts = [jnp.where(winner == number, windows.tap(padded, at), 0) for number, at in enumerate(windows.taps())]
    return functools.reduce(jnp.add, parts)


def _over_tiles(y: Array, windows: Windows) -> Array:
    """`y` repeated over the taps of its tile."""
    shape = [n for pair in zip(y.shape, windows.window, strict=True) for n in pair]
    return lax.broadcast_in_dim(y, shape, range(0, len(shape), 2))


def whole_max(x: Array, axes: tuple[int, ...]) -> Array:
    """The maximum over whole axes, kept as size 1; reduce_window would be slow for so large a window."""
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    flat = jnp.transpose(x, (*others, *axes)).reshape(*(x.shape[axis] for axis in others), -1)
    first = jnp.argmax(flat, axis=-1, keepdims=True)
    chosen = jnp.arange(flat.shape[-1]).reshape((1,) * len(others) + (-1,)) == first
    best = jnp.where(chosen, flat, 0).sum(-1, dtype=x.dtype)
    return best.reshape([1 if axis in axes else n for axis, n in enumerate(x.shape)])


def _total(x: Array, windows: Windows) -> Array:
    """The sum of every window, padding counting 0."""
    return reduce_window(x, np.zeros((), x.dtype), lax.add, windows)


total = jax.custom_jvp(_total, nondiff_argnums=(1,))


@total.defjvp
def _total_jvp(windows: Windows, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    if windows.is_disjoint():
        tiles = windows.tiles(t)
        return total(x, windows), tiles.sum(tuple(range(1, tiles.ndim, 2)))
    padded = windows.pad(t, 0)
    return total(x, windows), functools.reduce(jnp.add, (windows.tap(padded, at) for at in windows.taps()))


def _fold(x: Array, init: Array, reducer: Callable[..., Any], windows: Windows) -> Array:
    """Any reducer over every window, starting from `init`, which the padding holds too."""
    return reduce_window(x, init, reducer, windows)


fold = jax.custom_jvp(_fold, nondiff_argnums=(2, 3))


@fold.defjvp
def _fold_jvp(reducer: Callable[..., Any], windows: Windows, primals: Any, tangents: Any) -> tuple[Array, Array]:
    step = _FIRST_WINS.get(reducer, reducer)

    def unrolled(x: Array, init: Array) -> Array:
        padded = windows.pad(x, init)
        start = jnp.broadcast_to(init, windows.output_shape(x.shape))
        return functools.reduce(step, (windows.tap(padded, at) for at in windows.taps()), start)

    _, tangent = jax.jvp(unrolled, primals, tangents)
    return fold(*primals, reducer, windows), tangent


def _first_max(a: Array, b: Array) -> Array:
    return jnp.where((b > a) | ((b != b) & (a == a)), b, a)


def _first_min(a: Array, b: Array) -> Array:
    return jnp.where((b < a) | ((b != b) & (a == a)), b, a)


# lax splits the gradient of a tie in halves; the house rule gives it to the first.
_FIRST_WINS: dict[Callable[..., Any], Callable[..., Any]] = {
    lax.max: _first_max,
    jnp.maximum: _first_max,
    lax.min: _first_min,
    jnp.minimum: _first_min,
}
