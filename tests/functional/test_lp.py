"""Lp pooling against NumPy loops, the sum and the maximum between which it lies, and its rules at zero."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn import geometry
from jaxcnn.functional.lp import lp_pool

QUICK = settings(max_examples=5)
THOROUGH = settings(max_examples=100)
jitted = jax.jit(lp_pool, static_argnums=1, static_argnames=("p", "strides"))


def looped(x, p, cells, *, window, strides, padding, dilation):
    y = np.zeros((x.shape[0], *cells, x.shape[-1]))
    for cell in np.ndindex(*cells):
        taps = []
        for tap in np.ndindex(*window):
            rules = zip(cell, strides, padding, tap, dilation, strict=True)
            pixel = tuple(i * s - low + t * d for i, s, (low, _), t, d in rules)
            if all(0 <= i < n for i, n in zip(pixel, x.shape[1:-1], strict=True)):
                taps.append(x[(slice(None), *pixel)])
        y[(slice(None), *cell)] = np.linalg.norm(taps, p, axis=0) if taps else 0
    return y


@st.composite
def cases(draw):
    n = draw(st.sampled_from([1, 2, 2, 3]))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))

    window, dilation = ints(1, 3), ints(1, 2)
    spatial = tuple((w - 1) * d + 1 + draw(st.integers(0, 2)) for w, d in zip(window, dilation, strict=True))
    pads = tuple(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in window)
    options = {"strides": ints(1, 3), "dilation": dilation, "padding": pads}
    x = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, (2, *spatial, 2)) / 2
    p = draw(st.sampled_from([1, 1.5, 2, 2.5, 3, 4, 10, math.inf]))
    return x, p, window, options, draw(st.booleans()), draw(st.sampled_from(["channels_last", "channels_first"]))


@QUICK
@given(cases())
def test_against_loops(case):
    check_case(case)


@pytest.mark.slow
@THOROUGH
@given(cases())
def test_against_loops_thoroughly(case):
    check_case(case)


def check_case(case):
    x, p, window, options, ceil_mode, data_format = case
    cells = geometry.pool_output_shape(x.shape[1:-1], window, ceil_mode=ceil_mode, **options)
    expected = looped(x, p, cells, window=window, **options)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    pool = jax.jit(
        functools.partial(lp_pool, window=window, p=p, ceil_mode=ceil_mode, data_format=data_format, **options)
    )
    np.testing.assert_allclose(pool(x.astype(np.float32)), expected, rtol=3e-6)


@pytest.mark.parametrize("p", [2.0**60, 1e300, 10**300])
def test_a_huge_order_is_the_largest_size(p):
    # 10^300 times a tangent overflows: these gradients were NaN.
    x = jnp.array([3.0, -4.0, 0.0, -5.0])[None, :, None]
    y, pull = jax.vjp(lambda x: lp_pool(x, 2, p=p), x)
    np.testing.assert_array_equal(y[0, :, 0], [4, 5])
    np.testing.assert_array_equal(pull(jnp.ones_like(y))[0][0, :, 0], [0, -1, 0, -1])


def test_by_hand():
    x = jnp.array([3.0, -4.0, 0.0, -5.0])[None, :, None]
    for p, expected in ((1, [7, 5]), (2, [5, 5]), (math.inf, [4, 5])):
        np.testing.assert_allclose(jitted(x, 2, p=p)[0, :, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(lp_pool(x[0], (2,), p=np.float32(3))[:, 0], [91 ** (1 / 3), 5], rtol=1e-6)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 4, 7.5])
def test_large_and_small_sizes_neither_overflow_nor_vanish(p):
    x = jnp.array([3e30, -4e30, 3e-30, 4e-30, 3e38, 0])[None, :, None]
    root = (3.0**p + 4.0**p) ** (1 / p)
    np.testing.assert_allclose(jitted(x, 2, p=p)[0, :, 0], [root * 1e30, root * 1e-30, 3e38], rtol=1e-5)
    odd = jnp.array([jnp.inf, 1, jnp.nan, 0, 0, 0])[None, :, None]
    np.testing.assert_array_equal(jitted(odd, 2, p=p)[0, :, 0], [jnp.inf, jnp.nan, 0])


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, math.inf])
def test_no_gradient_from_silence(p):
    # A window of zeros, one with a zero in it, and one half in the padding.
    x = jnp.array([0.0, 0, 3, 0, 0])[None, :, None]

    def loss(x):
        return lp_pool(x, 2, p=p, padding=[(0, 1)]).sum()

    def both(x):
        slope, pull = jax.vjp(jax.grad(loss), x)
        return slope, *pull(jnp.ones_like(x))

    slope, curvature = jax.jit(both)(x)
    np.testing.assert_allclose(slope[0, :, 0], [0, 0, 1, 0, 0], atol=1e-6)
    # Of √(3² + t²) the second derivative at t = 0 is 1/3; where it is infinite (p < 2) it counts 0.
    np.testing.assert_allclose(curvature[0, :, 0], [0, 0, 0, 1 / 3 if p == 2 else 0, 0], atol=1e-6)


def test_large_windows():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((1, 140, 1)), jnp.float32)
    y, pull = jax.vjp(lambda x: jitted(x, 135, strides=5), x)
    np.testing.assert_allclose(y[0, :, 0], [jnp.linalg.norm(x[0, :135]), jnp.linalg.norm(x[0, 5:])], rtol=1e-5)
    np.testing.assert_allclose(jnp.vdot(pull(jnp.ones_like(y))[0], x), y.sum(), rtol=1e-5)


def test_vmap_is_a_loop():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 4, 5, 2)), jnp.float32)

    def once(x):
        y, pull = jax.vjp(lambda x: lp_pool(x, (2, 2), p=3), x)
        return y, *pull(y)

    for at_once, batched in zip(jax.jit(jax.vmap(once))(x), jax.jit(once)(x), strict=True):
        np.testing.assert_allclose(at_once, batched, rtol=1e-5)


def test_dtypes(x64):
    for dtype in ("float64", "bfloat16", "float16"):
        y = jitted(jnp.full((1, 4, 1), 200, dtype), 4)
        # 4 · 200² overflows float16.
        assert (y.dtype, y.item()) == (dtype, 400)


X = np.ones((1, 4, 1), np.float32)


@pytest.mark.parametrize("p", [0.5, 0, -1, math.nan, True, "2", None, 2j])
def test_refused_orders(p):
    with pytest.raises(ValueError, match=r"^p must be a number of at least 1, math.inf included; got "):
        lp_pool(X, 2, p=p)


def test_refused():
    for dtype in (np.int32, np.bool_, np.complex64):
        with pytest.raises(TypeError, match=r"^x must be real floating for lp_pool, got "):
            lp_pool(X.astype(dtype), 2)
    with pytest.raises(ValueError, match=r"^window must fit into the padded input"):
        lp_pool(X, 5)
