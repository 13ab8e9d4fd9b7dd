"""Derivatives of the pools of every order, custom reducers included, and the transformations around them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F


def unrolled(x, combine, *, window, strides, pads, init):
    """A 1-D pool as plain operations that JAX differentiates by itself."""
    cells = (x.shape[0] + sum(pads) - window) // strides + 1
    taps = [[c * strides - pads[0] + t for t in range(window)] for c in range(cells)]
    inside = [[x[p] for p in cell if 0 <= p < x.shape[0]] for cell in taps]
    return jnp.stack([functools.reduce(combine, cell, jnp.full(x.shape[1], init)) for cell in inside])


@pytest.mark.parametrize(
    ("reducer", "init"), [(lax.mul, 1.0), (jnp.logaddexp, -jnp.inf), (lambda a, b: a + b - a * b, 0.0)]
)
def test_custom_reducers_by_plain_operations(reducer, init):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((6, 2)), jnp.float32)

    def ours(x):
        return F.pool(x, (3,), init=init, reducer=reducer, strides=2, padding=[(1, 2)])

    def plain(x):
        return unrolled(x, reducer, window=3, strides=2, pads=(1, 2), init=init)

    np.testing.assert_allclose(ours(x), plain(x), rtol=1e-5)
    got, expected = (jax.jit(jax.jacrev(f))(x) for f in (ours, plain))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


def test_maximum_as_a_custom_reducer_follows_the_house_rule():
    x = jnp.array([3.0, 3.0, jnp.nan, jnp.nan])[None, :, None]
    for reducer in (lax.max, jnp.maximum):
        y, pull = jax.vjp(lambda x, r=reducer: F.pool(x, 2, init=-jnp.inf, reducer=r), x)
        np.testing.assert_array_equal(y[0, :, 0], [3, jnp.nan])
        np.testing.assert_array_equal(pull(jnp.ones_like(y))[0][0, :, 0], [1, 0, 1, 0])
    y, pull = jax.vjp(lambda x: F.pool(x, 2, init=jnp.inf, reducer=lax.min), x)
    np.testing.assert_array_equal(pull(jnp.ones_like(y))[0][0, :, 0], [1, 0, 1, 0])


def test_init_takes_part():
    x = jnp.array([-3.0, -2.0, 4.0, 1.0])[None, :, None]
    y, pull = jax.vjp(lambda x: F.pool(x, 2, init=0, reducer=lax.max), x)
    np.testing.assert_array_equal(y[0, :, 0], [0, 4])
    np.testing.assert_array_equal(pull(jnp.ones_like(y))[0][0, :, 0], [0, 0, 1, 0])


POOLS = {
    "max": functools.partial(F.max_pool, window=(3, 2), strides=(2, 1), padding="SAME"),
    "max, tiles": functools.partial(F.max_pool, window=(2, 2)),
    "avg": functools.partial(F.avg_pool, window=(2, 2), strides=1, dilation=2, padding=1),
    "product": functools.partial(F.pool, window=(2, 2), init=1, reducer=lax.mul, padding="SAME"),
    "global max": functools.partial(F.global_max_pool, spatial_dims=2),
}


@pytest.mark.parametrize("name", POOLS)
def test_vmap_is_a_loop(name):
    x = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (3, 4, 2, 5, 2)), jnp.float32)

    @jax.jit
    def once(x):
        y, pull = jax.vjp(POOLS[name], x)
        return y, *pull(y)

    # Over an axis in the middle, around batched and unbatched images.
    at_once = jax.jit(jax.vmap(jax.vmap(once), 2))(x)
    for i, j in ((0, 0), (1, 2)):
        for all_, one in zip(at_once, once(x[j][:, i]), strict=True):
            np.testing.assert_array_equal(all_[i, j], one)


@pytest.mark.parametrize("name", POOLS)
def test_second_derivatives_agree(name):
    # Forward over reverse, reverse over reverse, under remat and inside a scan.
    x = jnp.asarray(np.random.default_rng(0).standard_normal((4, 3, 1)), jnp.float32)
    t = jnp.cos(x)

    def loss(x):
        return jnp.sum(jnp.sin(POOLS[name](x)))

    def scanned(x):
        return lax.scan(lambda total, _: (total + jax.checkpoint(loss)(x), None), 0.0, length=1)[0]

    forward = jax.jit(lambda x, t: jax.jvp(jax.grad(loss), (x,), (t,))[1])(x, t)
    reverse = jax.jit(jax.grad(lambda x, t: jnp.vdot(jax.grad(loss)(x), t)))(x, t)
    in_scan = jax.jit(lambda x, t: jax.jvp(jax.grad(scanned), (x,), (t,))[1])(x, t)
    np.testing.assert_allclose(forward, reverse, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(forward, in_scan, rtol=1e-5, atol=1e-6)
    assert np.abs(forward).max() > 0.1


def test_integers_pass_derivatives_by():
    x = jnp.asarray([1.0, 2.0, 3.0, 4.0])[None, :, None]

    def weighted(x):
        counts = F.max_pool(x.astype(jnp.int32), 2) + F.sum_pool(x > 1, 2)
        return jnp.sum(x[:, ::2] * counts.astype(x.dtype))

    np.testing.assert_array_equal(jax.grad(weighted)(x)[0, :, 0], [3, 0, 6, 0])


def test_sums_are_linear():
    x = jnp.arange(12.0).reshape(1, 4, 3, 1)
    for pool in (F.sum_pool, F.avg_pool):
        y = pool(x, 2, strides=1)
        (adjoint,) = jax.linear_transpose(lambda x, pool=pool: pool(x, 2, strides=1), x)(y)
        np.testing.assert_allclose(jnp.vdot(adjoint, x), jnp.vdot(y, y), rtol=1e-6)


def test_no_pixel_has_a_number_that_32_bits_cannot_hold():
    # A window of more than 128 taps, on 2**31 pixels: the gradient finds each by its place along one axis.
    x = jax.ShapeDtypeStruct((2**22, 2**9, 1), jnp.float32)
    program = jax.make_jaxpr(jax.grad(lambda x: F.max_pool(x, 200, strides=100).sum()))(x)
    assert f"[{2**31}]" not in str(program)
