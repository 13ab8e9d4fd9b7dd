"""Half types accumulate in float32, forward and backward, and `preferred_element_type` wins."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F

# Sums of as many ones stop at 256 in bfloat16.
N = 320
KEY = jax.random.key(0)
ONES = np.ones((1, N, 1))


def ones_like(x, *shape):
    return jnp.ones(shape, x.dtype)


# name: (operation, input, the count that it gives)
COUNTS = {
    "conv": (lambda x: F.conv(x, ones_like(x, N, 1, 1)), ONES, N),
    "conv_transpose": (lambda x: F.conv_transpose(x, ones_like(x, 1, 1, N)), ONES.reshape(1, 1, N), N),
    "depthwise_conv": (lambda x: F.depthwise_conv(x, ones_like(x, N, 1, 1)), ONES, N),
    "local_conv": (lambda x: F.local_conv(x, ones_like(x, 1, 1, N, 1)), ONES.reshape(1, 1, N), N),
    "correlate": (lambda x: F.correlate(x, x, mode="valid"), ONES[0, :, 0], N),
    "sum_pool": (lambda x: F.sum_pool(x, N), ONES, N),
    "pool": (lambda x: F.pool(x, N, init=0, reducer=lax.add), ONES, N),
    "avg_pool": (lambda x: F.avg_pool(x, N), ONES * N, N),
    "global_avg_pool": (F.global_avg_pool, ONES * N, N),
    "adaptive_avg_pool": (lambda x: F.adaptive_avg_pool(x, 1), ONES * N, N),
    "lp_pool": (lambda x: F.lp_pool(x, N, p=1), ONES, N),
    "stochastic_pool_mean": (lambda x: F.stochastic_pool_mean(x, N), ONES * N, N),
    "local_response_norm": (
        lambda x: F.local_response_norm(x, size=2 * N, alpha=1.0, beta=-1.0, k=0.0),
        ONES.reshape(1, 1, N),
        N,
    ),
    "fold_patches": (lambda p: F.fold_patches(p, N, output_shape=2 * N)[:, N:], np.ones((1, N + 1, N)), N),
}
# One pixel in more than 256 windows: its gradient counts those.
OVERLAPS = {
    "max_pool": (lambda x: F.max_pool(x, N, strides=1), 2 * N, N),
    "max_pool, tap by tap": (lambda x: F.max_pool(x, 96, strides=1).repeat(5, -1), 2 * N, 5 * 96),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool(x[:, N : N + 1], N), 2 * N, N),
    "stochastic_pool": (lambda x: F.stochastic_pool(KEY, x, N, strides=1), 2 * N, N),
    "extract_patches": (lambda x: F.extract_patches(x, N), 2 * N, N),
}


def test_forward():
    arrays = {name: jnp.asarray(x, jnp.bfloat16) for name, (_, x, _) in COUNTS.items()}
    for name, y in jax.jit(lambda arrays: {n: COUNTS[n][0](x) for n, x in arrays.items()})(arrays).items():
        assert y.dtype == jnp.bfloat16, name
        assert float(y.ravel()[0]) == COUNTS[name][2], name


@pytest.mark.slow
def test_backward():
    def total(peaks):
        return sum(OVERLAPS[name][0](x).astype(np.float32).sum() for name, x in peaks.items())

    peaks = {name: jnp.zeros((1, n, 1), jnp.bfloat16).at[:, n // 2].set(1) for name, (_, n, _) in OVERLAPS.items()}
    for name, ct in jax.jit(jax.grad(total))(peaks).items():
        _, n, count = OVERLAPS[name]
        assert ct.dtype == jnp.bfloat16, name
        assert float(ct[0, n // 2, 0]) == count, name


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_preferred_element_type_wins(dtype):
    # Whole numbers, whose sums float32 holds and the half types don't.
    rng = np.random.default_rng(0)
    x, kernel = (jnp.asarray(rng.integers(-9, 10, shape), dtype) for shape in ((2, 6, 8), (3, 8, 4)))
    conv = functools.partial(
        F.conv_general_dilated,
        window_strides=(1,),
        padding="SAME",
        dimension_numbers=("NWC", "WIO", "NWC"),
        preferred_element_type=np.float32,
    )

    @jax.jit
    def all_of_them(x, kernel):
        y, pull = jax.vjp(conv, x, kernel)
        second = jax.grad(lambda k: jnp.sum(jax.grad(lambda x: jnp.sum(conv(x, k) ** 2))(x).astype(np.float32)))
        return y, jax.jvp(conv, (x, kernel), (x, kernel))[1], pull(jnp.round(y)), second(kernel)

    y, tangent, cotangents, second = all_of_them(x, kernel)
    wide, wide_tangent, wide_cotangents, _ = all_of_them(x.astype(np.float32), kernel.astype(np.float32))
    assert y.dtype == tangent.dtype == np.float32
    np.testing.assert_array_equal(y, wide)
    np.testing.assert_array_equal(tangent, wide_tangent)
    assert second.dtype == dtype
    for ct, expected in zip(cotangents, wide_cotangents, strict=True):
        assert ct.dtype == dtype
        np.testing.assert_allclose(ct.astype(np.float32), expected, rtol=float(jnp.finfo(dtype).eps))


def test_preferred_integers():
    x, kernel = jnp.full((1, 4, 1), 100, jnp.int8), jnp.full((2, 1, 1), 100, jnp.int8)
    options = {"window_strides": (1,), "padding": "VALID", "dimension_numbers": ("NWC", "WIO", "NWC")}
    y = F.conv_general_dilated(x, kernel, **options, preferred_element_type=np.int32)
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, np.full((1, 3, 1), 20000))
