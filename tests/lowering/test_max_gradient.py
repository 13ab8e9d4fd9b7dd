"""The gradient of lax's max pooling in our form against lax's own, bit for bit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jax import lax

import jaxcnn
from jaxcnn.lowering import max_gradient


def maximum(window, strides, padding=((0, 0), (0, 0)), smallest=False):
    """lax's own pooling of (batch, height, width, channels)."""
    return functools.partial(
        lax.reduce_window,
        init_value=np.inf if smallest else -np.inf,
        computation=lax.min if smallest else lax.max,
        window_dimensions=(1, *window, 1),
        window_strides=(1, *strides, 1),
        padding=((0, 0), *padding, (0, 0)),
    )


def gradient(pool):
    """Of windows that all weigh differently."""

    def weighed(x):
        y, pull = jax.vjp(pool, x)
        return pull(1 + jnp.arange(y.size, dtype=y.dtype).reshape(y.shape))[0]

    return jax.jit(weighed)


def off_and_on(pool, x):
    off = gradient(pool)(x)
    with jaxcnn.accelerate_cpu():
        return off, gradient(pool)(x)


def is_ours(pool, x):
    with jaxcnn.accelerate_cpu():
        return "select_and_scatter" not in gradient(pool).lower(x).as_text()


def test_a_row_by_hand():
    """Ties, a NaN with something after it, one with nothing after it, and a window that overhangs."""
    x = jnp.array([1, 1, jnp.nan, 0, 5, jnp.nan, 7], jnp.float32).reshape(1, 1, 7, 1)
    with jaxcnn.accelerate_cpu():
        row = gradient(maximum((1, 2), (1, 2)))(x).ravel()
        overlapping = gradient(maximum((1, 3), (1, 2)))(x).ravel()
    np.testing.assert_array_equal(row, [1, 0, 0, 2, 0, 3, 0])
    # 1, 1, NaN; NaN, 0, 5; 5, NaN, 7
    np.testing.assert_array_equal(overlapping, [0, 0, 1, 0, 2, 0, 3])


SPECIAL = [0.0, 1.0, 2.0, -np.inf, np.inf, np.nan]


@settings(max_examples=6)
@given(
    window=st.tuples(*2 * [st.integers(1, 4)]),
    strides=st.tuples(*2 * [st.integers(1, 4)]),
    padding=st.tuples(*2 * [st.tuples(*2 * [st.integers(0, 1)])]),
    smallest=st.booleans(),
    seed=st.integers(0, 99),
)
@example(window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)), smallest=False, seed=0)
@example(window=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1)), smallest=False, seed=0)
@example(window=(2, 3), strides=(3, 1), padding=((0, 1), (1, 0)), smallest=True, seed=0)
def test_ties_nans_and_infinities_are_laxs(window, strides, padding, smallest, seed):
    x = np.random.default_rng(seed).choice(SPECIAL, (2, 7, 9, 3), p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
    off, on = off_and_on(maximum(window, strides, padding, smallest), jnp.asarray(x, jnp.float32))
    np.testing.assert_array_equal(on, off)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
@pytest.mark.parametrize("strides", [2, 1])
def test_other_dtypes(x64, dtype, strides):
    x, pool = jnp.asarray(np.random.default_rng(0).integers(0, 4, (2, 5, 6, 1)), dtype), maximum((2, 2), 2 * (strides,))
    off, on = off_and_on(pool, x)
    assert on.dtype == x.dtype
    np.testing.assert_array_equal(on, off)
    # Sums of half types are left to lax, whose order decides their rounding.
    assert is_ours(pool, x) == (strides == 2 or dtype == "float64")


def test_large_windows_stay_laxs():
    x = jnp.zeros((1, 10, 10, 1))
    side = int(max_gradient.MOST_TAPS**0.5)
    assert is_ours(maximum((side, side), (1, 1)), x)
    assert not is_ours(maximum((side, side + 1), (1, 1)), x)


def test_windows_on_any_axes():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 3, 6, 7, 5)), jnp.float32)
    for window, strides in [((1, 1, 2, 3, 2), (1, 1, 2, 1, 3)), ((2, 1, 1, 1, 1), (2, 1, 1, 1, 1))]:
        pool = functools.partial(
            lax.reduce_window,
            init_value=-np.inf,
            computation=lax.max,
            window_dimensions=window,
            window_strides=strides,
            padding="SAME",
        )
        off, on = off_and_on(pool, x)
        np.testing.assert_array_equal(on, off)
