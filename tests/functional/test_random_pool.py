"""Stochastic pooling: what may be drawn, how often, and what it differentiates to."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.functional.random_pool import stochastic_pool, stochastic_pool_mean

QUICK = settings(max_examples=5)
THOROUGH = settings(max_examples=100)
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


def test_vmap_over_images():
    x = jnp.asarray(np.random.default_rng(0).random((3, 5, 5, 2)), jnp.float32)
    pool = functools.partial(stochastic_pool, window=(2, 2))
    at_once = jax.jit(jax.vmap(pool))(jax.random.split(KEY, 3), x)
    np.testing.assert_array_equal(at_once[1], jax.jit(pool)(jax.random.split(KEY, 3)[1], x[1]))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", "int8", "uint8", "int64"])
def test_dtypes(x64, dtype):
    def all_of_them(x):
        y = stochastic_pool(KEY, x, 2)
        return (y,) if "int" in dtype else (y, stochastic_pool_mean(x, 2))

    for y in jax.jit(all_of_them)(jnp.array([3, 3, 50, 50], dtype)[None, :, None]):
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.astype(float)[0, :, 0], [3, 50])
    if dtype == "float16":
        # Its square would overflow.
        assert mean(jnp.full((1, 2, 1), 30000, dtype), 2) == 30000


def test_wrong_types():
    x = np.ones((1, 4, 1), np.float32)
    for key in (0, None, "key", jax.random.split(KEY), x, np.zeros(2)):
        with pytest.raises(TypeError, match=r"^key must be one random key, such as jax.random.key\(0\); got "):
            stochastic_pool(key, x, 2)
    with pytest.raises(TypeError, match=r"^x must be real for stochastic_pool, "):
        stochastic_pool(KEY, x.astype(np.complex64), 2)
    with pytest.raises(
        TypeError, match=r"^x must be floating or complex for stochastic_pool_mean, since .*, got int32"
    ):
        stochastic_pool_mean(x.astype(np.int32), 2)
    with pytest.raises(ValueError, match=r"^window must fit"):
        stochastic_pool(KEY, x, 5)
    # The older kind of key works, too.
    assert draw(jax.random.PRNGKey(0), x, 2).shape == (1, 2, 1)
