"""Pools that draw lots: what may be drawn, how often, what it differentiates to, and windows by PyTorch's formula."""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxcnn.functional.random_pool import fractional_max_pool, stochastic_pool, stochastic_pool_mean, window_starts

QUICK = settings(max_examples=5, deadline=None, derandomize=True, database=None)
THOROUGH = settings(max_examples=100, deadline=None, database=None)
KEY = jax.random.key(0)
draw = jax.jit(stochastic_pool, static_argnums=2, static_argnames="strides")
mean = jax.jit(stochastic_pool_mean, static_argnums=1, static_argnames="strides")


@st.composite
def cases(draw):
    n = draw(st.sampled_from([1, 2, 2, 3]))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))

    window, dilation = ints(1, 3), ints(1, 2)
    spatial = tuple((w - 1) * d + 1 + draw(st.integers(0, 2)) for w, d in zip(window, dilation, strict=True))
    pads = tuple(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in window)
    x = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 6, (2, *spatial, 2)).astype(np.float32)
    return x, window, {"strides": ints(1, 3), "dilation": dilation, "padding": pads}


def values_of_windows(x, cell, window, strides, dilation, padding):
    """What the taps of one window see inside x, (taps, batch, channels)."""
    seen = []
    for tap in np.ndindex(*window):
        rules = zip(cell, strides, padding, tap, dilation, strict=True)
        pixel = tuple(i * s - low + t * d for i, s, (low, _), t, d in rules)
        if all(0 <= i < n for i, n in zip(pixel, x.shape[1:-1], strict=True)):
            seen.append(x[(slice(None), *pixel)])
    return np.reshape(seen, (-1, x.shape[0], x.shape[-1]))


@QUICK
@given(cases(), st.sampled_from(["channels_last", "channels_first"]))
def test_against_loops(case, data_format):
    check_stochastic(case, data_format)


@pytest.mark.slow
@THOROUGH
@given(cases(), st.sampled_from(["channels_last", "channels_first"]))
def test_against_loops_thoroughly(case, data_format):
    check_stochastic(case, data_format)


def check_stochastic(case, data_format):
    x, window, options = case

    @jax.jit
    def both(x):
        x = jnp.moveaxis(x, -1, 1) if data_format == "channels_first" else x
        drawn = stochastic_pool(KEY, x, window, data_format=data_format, **options)
        return drawn, stochastic_pool_mean(x, window, data_format=data_format, **options)

    drawn, mean = map(np.asarray, both(x))
    if data_format == "channels_first":
        drawn, mean = np.moveaxis(drawn, 1, -1), np.moveaxis(mean, 1, -1)
    for cell in np.ndindex(*drawn.shape[1:-1]):
        seen = np.maximum(values_of_windows(x, cell, window, **options), 0)
        at, total = (slice(None), *cell), seen.sum(0)
        expected = (seen**2).sum(0) / np.where(total > 0, total, 1)
        np.testing.assert_allclose(mean[at], expected, rtol=1e-5)
        # What was drawn is a positive value of the window, or 0 where there is none.
        np.testing.assert_array_equal(drawn[at] > 0, total > 0)
        assert (np.any(seen == drawn[at], axis=0) | (total == 0)).all()


def test_draws_are_as_frequent_as_their_values():
    # Four thousand images alike, each of which draws for itself.
    x, n = jnp.array([5.0, 0, 2, -3, 1, 2]).reshape(1, 6, 1), 4000
    drawn = np.ravel(draw(KEY, jnp.tile(x, (n, 1, 1)), 5))
    for value in (5, 2, 1):
        chance = value / 8
        # Within four standard deviations.
        assert abs((drawn == value).mean() - chance) < 4 * math.sqrt(chance * (1 - chance) / n)
    assert set(drawn) == {5, 2, 1}
    np.testing.assert_allclose(mean(x, 5)[0, 0, 0], 30 / 8, rtol=1e-6)


def test_extreme_values():
    x = jnp.array([[jnp.nan, jnp.inf, 1], [1, jnp.inf, -jnp.inf], [3e38, 3e38, 0], [-1, 0, -jnp.inf], [2e-38, 0, 0]])
    x = x.reshape(15, 1)
    for y in (draw(KEY, x, (3,)), mean(x, (3,))):
        np.testing.assert_allclose(y[:, 0], [jnp.nan, jnp.inf, 3e38, 0, 2e-38], rtol=1e-6)


def test_the_drawn_value_receives_the_gradient():
    x = jnp.array([2.0, 3, 0, 0, -1, -2, 4, 4])[:, None]

    @jax.jit
    def both(x):
        y, pull = jax.vjp(lambda x: stochastic_pool(KEY, x, (2,)), x)
        return y, pull(jnp.ones_like(y))[0].reshape(4, 2)

    y, ct = map(np.asarray, both(x))
    np.testing.assert_array_equal(ct.sum(1), [1, 0, 0, 1])
    np.testing.assert_array_equal((ct * np.reshape(x, (4, 2))).sum(1), y[:, 0])
    # Without jit the same key draws the same.
    np.testing.assert_array_equal(y, stochastic_pool(KEY, x, (2,)))


@pytest.mark.parametrize("name", ["drawn", "mean", "fractional"])
def test_check_grads_to_second_order(x64, name):
    pool = {
        "drawn": lambda x: stochastic_pool(KEY, x, (2, 2), padding=1) ** 2,
        "mean": lambda x: stochastic_pool_mean(x, (2, 2), strides=1),
        "fractional": lambda x: fractional_max_pool(KEY, x, 2, output_size=(2, 3)) ** 2,
    }[name]
    x = np.random.default_rng(0).permutation(np.linspace(-2, 2, 12)).reshape(3, 4, 1)
    check_grads(jax.jit(pool), (x,), order=2, modes=("rev",))


def test_no_gradient_from_silence():
    x = jnp.array([0.0, 0, -1, 0, 2, 0])[:, None]

    def loss(x):
        return stochastic_pool_mean(x, (2,)).sum()

    @jax.jit
    def both(x):
        slope, pull = jax.vjp(jax.grad(loss), x)
        return slope, *pull(jnp.ones_like(x))

    slope, curvature = both(x)
    np.testing.assert_array_equal(slope[:, 0], [0, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(curvature, np.zeros((6, 1)))


def test_large_windows():
    x = jnp.zeros((140, 1)).at[70].set(3)
    np.testing.assert_array_equal(draw(KEY, x, (135,), strides=5), [[3], [3]])
    np.testing.assert_array_equal(mean(x, (135,), strides=5), [[3], [3]])


def test_window_starts_by_hand():
    # (7 − 2) / (4 − 1) = 5/3 pixels a step: ⌊(i + u) · 5/3⌋ − ⌊u · 5/3⌋, the last at 5.
    np.testing.assert_array_equal(window_starts(0.0, 7, 4, 2), [0, 1, 3, 5])
    np.testing.assert_array_equal(window_starts(0.5, 7, 4, 2), [0, 2, 4, 5])
    np.testing.assert_array_equal(window_starts(0.9, 7, 4, 2), [0, 2, 3, 5])
    np.testing.assert_array_equal(window_starts(0.3, 7, 1, 2), [5])
    np.testing.assert_array_equal(window_starts(0.99, 5, 4, 2), [0, 1, 2, 3])


@QUICK
@given(st.data())
def test_fractional_against_loops(data):
    check_fractional(data)


@pytest.mark.slow
@THOROUGH
@given(st.data())
def test_fractional_against_loops_thoroughly(data):
    check_fractional(data)


def check_fractional(data):
    n = data.draw(st.sampled_from([1, 2, 2, 3]))
    window = data.draw(st.tuples(*[st.integers(1, 3)] * n))
    cells = data.draw(st.tuples(*[st.integers(1, 4)] * n))
    spatial = [w + c - 1 + data.draw(st.integers(0, 2)) for w, c in zip(window, cells, strict=True)]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.choice(np.array([-np.inf, np.nan, 0, 1, 2], np.float32), (2, *spatial, 2))
    key, first = jax.random.key(rng.integers(99)), data.draw(st.booleans())

    def ours(x):
        x = jnp.moveaxis(x, -1, 1) if first else x
        data_format = "channels_first" if first else "channels_last"
        y = fractional_max_pool(key, x, window, output_size=cells, data_format=data_format)
        return jnp.moveaxis(y, 1, -1) if first else y

    @jax.jit
    def value_and_cotangent(x, ct):
        y, pull = jax.vjp(ours, x)
        return y, *pull(ct)

    shape = (2, *cells, 2)
    ct, dx = np.arange(1.0, math.prod(shape) + 1, dtype=np.float32).reshape(shape), np.zeros_like(x)
    y, got = map(np.asarray, value_and_cotangent(x, ct))
    drawn = jax.random.uniform(key, (n,))
    starts = [np.asarray(window_starts(*a)) for a in zip(drawn, spatial, cells, window, strict=True)]
    for b, *cell, c in np.ndindex(*y.shape):
        corner = [s[i] for s, i in zip(starts, cell, strict=True)]
        pixels = [(b, *np.add(corner, tap), c) for tap in np.ndindex(*window)]
        winner = pixels[np.argmax([x[p] for p in pixels])]
        np.testing.assert_array_equal(y[(b, *cell, c)], x[winner])
        dx[winner] += ct[(b, *cell, c)]
    np.testing.assert_array_equal(got, dx)


def test_fractional_sizes_and_keys():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 9, 8, 3)), jnp.float32)

    @jax.jit
    def in_three_ways(x):
        by_size = fractional_max_pool(KEY, x, (2, 2), output_size=(6, 5))
        unbatched = fractional_max_pool(KEY, x[1], 2, output_ratio=(0.7, 0.7))
        return fractional_max_pool(KEY, x, 2, output_ratio=0.7), by_size, unbatched

    y, by_size, unbatched = in_three_ways(x)
    assert y.shape == (2, 6, 5, 3)
    np.testing.assert_array_equal(y, by_size)
    np.testing.assert_array_equal(y[1], unbatched)
    each = jax.jit(jax.vmap(lambda key: fractional_max_pool(key, x, 2, output_ratio=0.7)))(jax.random.split(KEY, 4))
    assert len({np.asarray(one).tobytes() for one in each}) > 1


def test_vmap_over_images():
    x = jnp.asarray(np.random.default_rng(0).random((3, 5, 5, 2)), jnp.float32)
    for pool in (
        functools.partial(stochastic_pool, window=(2, 2)),
        functools.partial(fractional_max_pool, window=2, output_size=(3, 3)),
    ):
        at_once = jax.jit(jax.vmap(pool))(jax.random.split(KEY, 3), x)
        np.testing.assert_array_equal(at_once[1], jax.jit(pool)(jax.random.split(KEY, 3)[1], x[1]))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "int8", "uint8", "int64"])
def test_dtypes(x64, dtype):
    def all_of_them(x):
        y = stochastic_pool(KEY, x, 2), fractional_max_pool(KEY, x, 2, output_size=2)
        return y if "int" in dtype else (*y, stochastic_pool_mean(x, 2))

    for y in jax.jit(all_of_them)(jnp.array([3, 3, 50, 50], dtype)[None, :, None]):
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.astype(float)[0, :, 0], [3, 50])
    if dtype == "float16":
        # Its square would overflow.
        assert mean(jnp.full((1, 2, 1), 30000, dtype), 2) == 30000


X = jax.ShapeDtypeStruct((2, 5, 5, 4), np.float32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 2}, "^output_size must be given or else output_ratio, one of them; got output_size=None and"),
        ({"window": 2, "output_size": 2, "output_ratio": 0.5}, "^output_size must be given or else output_ratio"),
        (
            {"window": 2, "output_size": 5},
            "^output_size must leave room .*, at most 4 cells for windows of 2 on 5 .*; got 5;",
        ),
        ({"window": 6, "output_size": 1}, "^output_size must leave room .*, at most 0 cells"),
        ({"window": 2, "output_size": 0}, "^output_size must be an integer >= 1 or 2 of them"),
        ({"window": 2, "output_size": (2,)}, "^x must have 3 axes"),
        ({"window": (2, 2), "output_size": (2,)}, "^output_size must be an integer >= 1 or 2 of them"),
        ({"window": 0, "output_size": 2}, "^window must be an integer >= 1 or 2 of them"),
        ({"window": (), "output_size": 2}, "^window must be an int with x of 3 to 5 axes"),
        ({"window": 3, "output_ratio": 0.9}, "^output_ratio must leave room"),
        ({"window": 1, "output_ratio": 0.1}, "^output_ratio must be above 0 and below 1, .* leave a cell .*; got 0.1$"),
        ({"window": 1, "output_ratio": 1.0}, "^output_ratio must be above 0 and below 1"),
        ({"window": 1, "output_ratio": "half"}, "^output_ratio must be above 0 and below 1, .*; got 'half'$"),
        ({"window": (1, 1), "output_ratio": (0.5,) * 3}, "^output_ratio must be above 0 and below 1"),
        ({"window": 2, "output_size": 2, "data_format": "NCHW"}, "^data_format must be one of"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match="must") as caught:
        jax.eval_shape(lambda x: fractional_max_pool(KEY, x, **options), X)
    assert re.search(message, str(caught.value))


def test_wrong_types():
    x = np.ones((1, 4, 1), np.float32)
    for key in (0, None, "key", jax.random.split(KEY), x, np.zeros(2)):
        for pool in (stochastic_pool, functools.partial(fractional_max_pool, output_size=1)):
            with pytest.raises(TypeError, match=r"^key must be one random key, such as jax.random.key\(0\); got "):
                pool(key, x, 2)
    with pytest.raises(TypeError, match=r"^x must be real for stochastic_pool, "):
        stochastic_pool(KEY, x.astype(np.complex64), 2)
    with pytest.raises(TypeError, match=r"^x must be floating or complex for an average, got int32"):
        stochastic_pool_mean(x.astype(np.int32), 2)
    with pytest.raises(ValueError, match=r"^window must fit"):
        stochastic_pool(KEY, x, 5)
    # The older kind of key works, too.
    assert draw(jax.random.PRNGKey(0), x, 2).shape == (1, 2, 1)
