"""How pooling runs: `lax.reduce_window` forward; under differentiation axis by axis, extremes in plain comparisons.

JAX transposes and batches those by itself. Its own rules for reduce_window raise for custom reducers and for the
maximum of dilated windows, and select_and_scatter, which it transposes max pooling to, is slow on CPUs.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxcnn.lowering import phases
from jaxcnn.lowering.windows import Windows, is_small, over_taps, reduce_window


def lowest(dtype: Any, largest: bool) -> Any:
    """The value that never wins a maximum (`largest`) or a minimum."""
    if dtype == np.bool_:
        return np.bool_(not largest)
    if jnp.issubdtype(dtype, jnp.integer):
        return np.array(jnp.iinfo(dtype).min if largest else jnp.iinfo(dtype).max, dtype)
    infinite = np.array(-np.inf if largest else np.inf, dtype)
    # Some eight-bit types have no infinity, and make a NaN of it.
    return infinite if infinite == infinite else np.array(jnp.finfo(dtype).min if largest else jnp.finfo(dtype).max)


def _extreme(x: Array, largest: bool, windows: Windows) -> Array:
    """The largest (or smallest) value of every window; its gradient goes to the first such tap in row-major order."""
    return reduce_window(x, lowest(x.dtype, largest), lax.max if largest else lax.min, windows)


extreme = jax.custom_jvp(_extreme, nondiff_argnums=(1, 2))


@extreme.defjvp
def _extreme_jvp(largest: bool, windows: Windows, primals: Any, tangents: Any) -> tuple[Array, Array]:
    steps = windows.steps()

    def in_steps(x: Array) -> Array:
        y, numbers = x, []
        for step in steps:
            y, number = first_extreme(y, largest, step)
            numbers.append(number)
        return _held(x, y, numbers, steps)

    return jax.jvp(in_steps, primals, tangents)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def _held(x: Array, y: Array, numbers: list[Array], steps: tuple[Windows, ...]) -> Array:
    """`y`, which is what the taps of these `numbers` hold, step by step, in `x`."""
    return y


@_held.defjvp
def _held_jvp(steps: tuple[Windows, ...], primals: Any, tangents: Any) -> tuple[Array, Array]:
    def held(t: Array) -> Array:
        for number, step in zip(primals[2], steps, strict=True):
            t = taken(t, number, step)
        return t

    return _held(*primals, steps), in_float32(held, tangents[0])


def in_float32(operation: Callable[[Array], Array], t: Array) -> Array:
    """`operation(t)`, of half types by way of float32: where windows overlap, its transpose is a sum."""
    if not jnp.issubdtype(t.dtype, jnp.floating) or jnp.finfo(t.dtype).bits >= 32:
        return operation(t)
    return operation(t.astype(jnp.float32)).astype(t.dtype)


def first_extreme(x: Array, largest: bool, windows: Windows) -> tuple[Array, Array]:
    """Every window's extreme, and the row-major number of the first tap that holds it; a NaN counts as one.

    XLA's CPU backend takes several times as long for the maximum of `lax.reduce_window` alone.
    """
    if windows.is_disjoint():
        return _first_of_tile(windows.tiles(lax.stop_gradient(x)), largest, windows)
    padded = windows.pad(lax.stop_gradient(x), lowest(x.dtype, largest))
    dtype = np.dtype(np.int8 if is_small(windows) else np.int32)

    def step(carry: tuple[Array, Array], number: Any, at: Any) -> tuple[Array, Array]:
        (best, first), value = carry, windows.tap(padded, at)
        wins = _beats(value, best, largest)
        return jnp.where(wins, value, best), jnp.where(wins, jnp.asarray(number, dtype), first)

    # Padding may tie with -inf, and must not win even then: the first tap inside needn't beat anything.
    # Both are sharded as the cells are, where types say how.
    cells = windows.tap(padded, windows.taps()[0])
    first = jnp.zeros_like(cells, dtype) + windows.first_inside(x.shape).astype(dtype)
    best = jnp.full_like(cells, lowest(x.dtype, largest))
    return over_taps(step, (best, first), windows, unroll=is_small(windows))


def _first_of_tile(tiles: Array, largest: bool, windows: Windows) -> tuple[Array, Array]:
    """The same for windows that tile the input, as two reductions.

    XLA keeps what a reduction made; comparisons it would fuse into the gradient, and repeat for every pixel.
    """
    axes, taps = tuple(range(1, tiles.ndim, 2)), math.prod(windows.window)
    best = tiles.max(axes) if largest else tiles.min(axes)
    wins = (tiles == _over_tiles(best, windows)) | (tiles != tiles)
    return best, jnp.where(wins, _numbers(windows, tiles.shape), taps).min(axes)


def _numbers(windows: Windows, shape: tuple[int, ...]) -> Array:
    """The row-major number of every tap of a tile, over all tiles."""
    numbers = np.arange(math.prod(windows.window), dtype=np.int32)
    return jnp.broadcast_to(numbers.reshape([n for w in windows.window for n in (1, w)]), shape)


def _beats(b: Array, a: Array, largest: bool) -> Array:
    """Whether `b` takes the place of `a`, which came before it."""
    return (b > a if largest else b < a) | ((b != b) & (a == a))


def taken(t: Array, winner: Array, windows: Windows) -> Array:
    """From every window of `t` the value at tap `winner`."""
    if windows.is_disjoint():
        tiles = windows.tiles(t)
        chosen = _numbers(windows, tiles.shape) == _over_tiles(winner, windows)
        return jnp.where(chosen, tiles, 0).sum(tuple(range(1, tiles.ndim, 2)))
    if not is_small(windows):
        # Such windows come an axis at a time; over all axes 32 bits might not count the pixels.
        (axis,) = (axis for axis, n in enumerate(windows.window) if n > 1)
        return jnp.take_along_axis(t, windows.pixels(winner, t.shape, [axis]), axis, mode="clip")
    return phases.taken(t, winner, windows)


def _over_tiles(y: Array, windows: Windows) -> Array:
    """`y` repeated over the taps of its tile."""
    shape = [n for pair in zip(y.shape, windows.window, strict=True) for n in pair]
    return lax.broadcast_in_dim(y, shape, range(0, len(shape), 2))


def whole_max(x: Array, axes: tuple[int, ...]) -> Array:
    """The maximum over whole axes, kept as size 1; reduce_window would be slow for so large a window."""
    others = tuple(axis for axis in range(x.ndim) if axis not in axes)
    pixels = math.prod(x.shape[axis] for axis in axes)
    flat = jnp.transpose(x, (*others, *axes)).reshape(*(x.shape[axis] for axis in others), pixels)
    first = jnp.argmax(flat, axis=-1, keepdims=True)
    chosen = jnp.arange(pixels).reshape((1,) * len(others) + (-1,)) == first
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
    # XLA's CPU backend is fast at sums over one axis and slow over several, in their transposes most of all.
    steps = windows.steps()
    return functools.reduce(_axis_total, steps, x), functools.reduce(_axis_total, steps, t)


def _axis_total(x: Array, step: Windows) -> Array:
    """`_total` of windows along one axis."""
    alone = [n == 1 and dilation > 1 for n, dilation in zip(x.shape, step.dilation, strict=True)]
    if not any(alone):
        return _total(x, step)
    # XLA folds the transpose's pad of a lone pixel into a dilated window, and forgets that it looks past the pixel.
    seen = functools.reduce(np.logical_or, (step.sees_input(x.shape, at) for at in step.taps()))
    return jnp.where(seen, jnp.broadcast_to(x, step.output_shape(x.shape)), 0)


def _fold(x: Array, init: Array, reducer: Callable[..., Any], windows: Windows) -> Array:
    """Any reducer over every window, starting from the constant `init`, which the padding holds too."""
    return reduce_window(x, init, reducer, windows)


fold = jax.custom_jvp(_fold, nondiff_argnums=(2, 3))


@fold.defjvp
def _fold_jvp(reducer: Callable[..., Any], windows: Windows, primals: Any, tangents: Any) -> tuple[Array, Array]:
    x, init = primals
    _, tangent = jax.jvp(lambda x: _folded(x, lax.stop_gradient(init), reducer, windows), (x,), tangents[:1])
    return fold(x, init, reducer, windows), tangent


def _folded(x: Array, init: Array, reducer: Callable[..., Any], windows: Windows) -> Array:
    """`_fold`, tap after tap: in a loop, since XLA would fuse a costly reducer's steps and repeat their work."""
    reduced = _FIRST_WINS.get(reducer, reducer)
    padded, start = windows.pad(x, init), jnp.broadcast_to(init, windows.output_shape(x.shape))

    def step(carry: Array, _: Any, at: Any) -> Array:
        value = windows.tap(padded, at)
        if not windows.is_padded():
            return reduced(carry, value)
        # Padding changes nothing, and between two of its inits a derivative may be NaN (logaddexp): reduce ones there.
        seen = jnp.broadcast_to(windows.sees_input(x.shape, at), carry.shape)
        return jnp.where(seen, reduced(*(jnp.where(seen, a, jnp.ones_like(a)) for a in (carry, value))), carry)

    return over_taps(step, start, windows, unroll=False)


def _first_max(a: Array, b: Array) -> Array:
    return jnp.where(_beats(b, a, True), b, a)


def _first_min(a: Array, b: Array) -> Array:
    return jnp.where(_beats(b, a, False), b, a)


# lax splits the gradient of a tie in halves; the house rule gives it to the first.
_FIRST_WINS: dict[Callable[..., Any], Callable[..., Any]] = {
    lax.max: _first_max,
    jnp.maximum: _first_max,
    lax.min: _first_min,
    jnp.minimum: _first_min,
}
