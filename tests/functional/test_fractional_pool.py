"""Fractional max pooling: windows by PyTorch's formula, and loops over them."""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.functional.fractional_pool import fractional_max_pool, window_starts

QUICK = settings(max_examples=5)
THOROUGH = settings(max_examples=100)
KEY = jax.random.key(0)


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


def test_vmap_over_keys_and_images():
    x = jnp.asarray(np.random.default_rng(0).random((3, 5, 5, 2)), jnp.float32)
    pool = functools.partial(fractional_max_pool, window=2, output_size=(3, 3))
    at_once = jax.jit(jax.vmap(pool))(jax.random.split(KEY, 3), x)
    np.testing.assert_array_equal(at_once[1], jax.jit(pool)(jax.random.split(KEY, 3)[1], x[1]))


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
    for key in (0, None, jax.random.split(KEY)):
        with pytest.raises(TypeError, match=r"^key must be one random key, such as jax.random.key\(0\); got "):
            fractional_max_pool(key, x, 2, output_size=1)
    with pytest.raises(TypeError, match=r"^x must be real for fractional_max_pool, "):
        fractional_max_pool(KEY, x.astype(np.complex64), 2, output_size=1)
