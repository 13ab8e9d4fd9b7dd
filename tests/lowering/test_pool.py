"""The parts of the pools: who wins, what is taken, and that loops, slices and tiles agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxcnn.lowering import pool, windows
from jaxcnn.lowering.windows import Windows

OVERLAPPING = Windows((1, 3, 2, 1), (1, 2, 1, 1), ((0, 0), (1, 2), (0, 1), (0, 0)), (1, 1, 2, 1))
TILES = Windows((1, 2, 3, 1), (1, 2, 3, 1), ((0, 0),) * 4, (1,) * 4)


def image(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-2, 3, shape), jnp.float32)


@pytest.mark.parametrize(("geometry", "largest"), [(OVERLAPPING, True), (TILES, False)], ids=["overlapping", "tiles"])
def test_loops_agree_with_what_is_written_out(monkeypatch, geometry, largest):
    x, t = image(2, 5, 7, 2), jnp.cos(jnp.arange(140.0)).reshape(2, 5, 7, 2)

    def both(x):
        return pool.extreme(x, largest, geometry), pool.total(x, geometry)

    def derivatives(x, t):
        y, ty = jax.jvp(both, (x,), (t,))
        return y, ty, jax.vjp(both, x)[1](ty)

    written = jax.jit(derivatives)(x, t)
    monkeypatch.setattr(windows, "MOST_UNROLLED", 1)
    looped = jax.jit(lambda x, t: derivatives(x, t))(x, t)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), written, looped)


def gradient_by_loops(x, weights, geometry):
    """The row-major first maximum of every window gets the window's weight; a NaN is larger than any number."""
    gradient, x = np.zeros(x.shape), np.asarray(x)
    for cell, weight in np.ndenumerate(weights):
        pixels = [
            tuple(np.array(cell) * geometry.strides + tap * geometry.dilation - np.array(geometry.padding)[:, 0])
            for tap in geometry.taps()
        ]
        inside = [p for p in pixels if all(0 <= i < n for i, n in zip(p, x.shape, strict=True))]
        gradient[max(inside, key=lambda p: (np.isnan(x[p]), 0 if np.isnan(x[p]) else x[p]))] += weight
    return gradient


@pytest.mark.parametrize(
    "geometry",
    [
        OVERLAPPING,
        Windows((1, 3, 3, 1), (1, 1, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0)), (1, 1, 1, 1)),
        Windows((1, 2, 2, 1), (1, 4, 3, 1), ((0, 0), (0, 1), (1, 0), (0, 0)), (1, 2, 1, 1)),
        TILES,
    ],
    ids=["dilated", "padded", "with gaps", "tiles"],
)
def test_gradients_of_ties_nans_and_infinities(geometry):
    special = np.random.default_rng(0).choice([0, 1, -np.inf, np.nan], (2, 6, 7, 2), p=[0.3, 0.2, 0.4, 0.1])
    x = jnp.asarray(special, jnp.float32)
    y, pull = jax.vjp(jax.jit(lambda x: pool.extreme(x, True, geometry)), x)
    np.testing.assert_array_equal(y, pool.extreme(x, True, geometry))
    weights = 1 + np.arange(y.size, dtype=np.float32).reshape(y.shape)
    np.testing.assert_array_equal(pull(jnp.asarray(weights))[0], gradient_by_loops(x, weights, geometry))


@pytest.mark.slow
def test_tiles_agree_with_slices(monkeypatch):
    x = image(2, 5, 7, 2)

    def cotangents():
        return [
            jax.vjp(f, x)[1](f(x)) for f in (lambda x: pool.extreme(x, True, TILES), lambda x: pool.total(x, TILES))
        ]

    tiled = cotangents()
    monkeypatch.setattr(Windows, "is_disjoint", lambda self: False)
    jax.tree.map(np.testing.assert_array_equal, tiled, cotangents())


@pytest.mark.parametrize("traced", [False, True])
def test_taps_by_hand(traced):
    one_row = Windows((2,), (3,), ((1, 1),), (2,))
    x = jnp.arange(1.0, 6.0)
    padded = one_row.pad(x, 0)
    assert one_row.output_shape(x.shape) == (2,)
    for at, values, seen in ((0, [0, 3], [False, True]), (1, [2, 5], [True, True])):
        taps = jnp.array([at]) if traced else np.array([at])
        np.testing.assert_array_equal(one_row.tap(padded, taps), values)
        np.testing.assert_array_equal(one_row.sees_input(x.shape, taps), seen)


def test_winners_by_hand():
    row = Windows((3,), (2,), ((1, 1),), (1,))
    x = jnp.array([-jnp.inf, 1.0, 1.0, jnp.nan, jnp.nan])
    # Windows: padding −inf 1 | 1 1 nan | nan nan padding.
    np.testing.assert_array_equal(pool.first_extreme(x, True, row)[1], [2, 2, 0])
    np.testing.assert_array_equal(pool.taken(jnp.arange(5.0), jnp.array([2, 2, 0]), row), [1, 3, 3])


@pytest.mark.parametrize(
    ("dtype", "largest", "value"),
    [
        ("float32", True, -np.inf),
        ("bfloat16", False, np.inf),
        ("int8", True, -128),
        ("uint8", False, 255),
        ("bool", True, False),
        ("float8_e4m3fn", True, -448),
    ],
)
def test_lowest(dtype, largest, value):
    lowest = pool.lowest(jnp.dtype(dtype), largest)
    assert lowest == value
    assert lowest.dtype == dtype


def test_gradient_programs_stay_short():
    # A window of a whole image is a loop an axis, and a custom reducer always is one.
    whole = Windows((1, 150, 150, 1), (1, 1, 1, 1), ((0, 0),) * 4, (1,) * 4)
    for operation in (
        lambda x: pool.extreme(x, True, whole),
        lambda x: pool.total(x, whole),
        lambda x: pool.fold(x, jnp.float32(1), lax.mul, whole),
    ):
        jaxpr = jax.make_jaxpr(jax.grad(lambda x, f=operation: f(x).sum()))(jnp.ones((1, 151, 151, 1)))
        assert len(str(jaxpr).splitlines()) < 500


def test_whole_maximum_of_no_images():
    assert pool.whole_max(jnp.zeros((0, 2, 3, 4)), (1, 2)).shape == (0, 1, 1, 4)
