"""The contract's dtypes: what comes out, and in what it is accumulated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F

HALF = [jnp.bfloat16, jnp.float16]


@pytest.mark.parametrize(
    ("x", "kernel", "result"),
    [
        ("float32", "float32", "float32"),
        ("uint8", "float32", "float32"),
        ("float16", "float32", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("float16", "float16", "float16"),
        ("bfloat16", "float16", "float32"),
        ("uint8", "bfloat16", "bfloat16"),
        ("int8", "int8", "int32"),
        ("uint8", "int8", "int32"),
        ("uint32", "uint8", "int32"),
        ("bool", "bool", "int32"),
        ("bool", "float16", "float16"),
        ("complex64", "float32", "complex64"),
    ],
)
def test_conv_dtypes(x, kernel, result):
    y = F.conv(jnp.ones((1, 3, 1), x), jnp.ones((2, 1, 1), kernel), jnp.ones(1, kernel))
    assert y.dtype == result
    np.testing.assert_array_equal(y.astype(np.complex64), np.full((1, 2, 1), 3))


def test_wide_dtypes(x64):
    x, kernel = np.array([2**40, 3])[None, :, None], np.array([3, 1])[:, None, None]
    y = F.conv(x, kernel)
    assert y.dtype == np.int64
    assert y.item() == 3 * 2**40 + 3
    for dtype in ("int32", "float32", "float64"):
        assert F.conv(x.astype(dtype), kernel.astype(dtype)).dtype == dtype
    assert F.conv(x, kernel.astype(np.float32)).dtype == np.float32
    assert F.sum_pool(x, 2).item() == 2**40 + 3
    assert F.sum_pool(x.astype(np.uint8), 2).dtype == np.int32
    assert F.avg_pool(x.astype(np.float64), 2).dtype == np.float64


def test_small_integers_do_not_overflow():
    x, kernel = jnp.full((1, 4, 4, 3), -128, jnp.int8), jnp.full((3, 3, 3, 2), 127, jnp.int8)
    np.testing.assert_array_equal(F.conv(x, kernel), np.full((1, 2, 2, 2), -128 * 127 * 27))
    np.testing.assert_array_equal(F.conv(x, kernel, jnp.ones(2, jnp.int32)), np.full((1, 2, 2, 2), 1 - 128 * 127 * 27))
    assert F.sum_pool(x, 2).dtype == jnp.int32
    np.testing.assert_array_equal(F.sum_pool(x, 2), np.full((1, 2, 2, 3), -512))
    np.testing.assert_array_equal(F.sum_pool(x != 0, 2), np.full((1, 2, 2, 3), 4))


@pytest.mark.parametrize(("dtype", "groups"), [(jnp.bfloat16, 1), (jnp.float16, 2)])
def test_half_types_accumulate_in_float32(dtype, groups):
    # Whole numbers, whose sums float32 holds and the half types don't: rounded once, at the end.
    rng = np.random.default_rng(0)
    arrays = rng.integers(-40, 41, (2, 5, 5, 24)), rng.integers(-40, 41, (3, 3, 24 // groups, 2))

    @jax.jit
    def value_and_cotangents(x, kernel, ct):
        y, pull = jax.vjp(lambda x, kernel: F.conv(x, kernel, groups=groups, padding="SAME"), x, kernel)
        return y, *pull(ct.astype(y.dtype))

    ct = jnp.asarray(rng.integers(-60, 61, (2, 5, 5, 2)), dtype).astype(jnp.float32)
    halves = value_and_cotangents(*(jnp.asarray(a, dtype) for a in arrays), ct)
    singles = value_and_cotangents(*(jnp.asarray(a, jnp.float32) for a in arrays), ct)
    for half, single in zip(halves, singles, strict=True):
        assert half.dtype == dtype
        np.testing.assert_array_equal(half, single.astype(dtype))
        assert (half.astype(jnp.float32) != single).any()


@pytest.mark.parametrize("dtype", HALF)
def test_half_types_in_pools(dtype):
    # 256 + 1 is 256 in bfloat16, and 60000 + 60000 is infinite in float16.
    big = 256 if dtype == jnp.bfloat16 else 60000
    x = jnp.array([big, 1 if dtype == jnp.bfloat16 else big, 1, -big], dtype)[None, :, None]
    expected = np.float32(x).sum()
    for pool, scale in ((F.sum_pool, 1), (F.avg_pool, 4)):
        y = pool(x, 4)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.item(), jnp.asarray(expected / scale, dtype).item())
    np.testing.assert_array_equal(F.global_avg_pool(x).item(), jnp.asarray(expected / 4, dtype).item())
    np.testing.assert_array_equal(F.pool(x, 4, init=0, reducer=lax.add).item(), jnp.asarray(expected, dtype).item())
    for pool in (F.max_pool, F.global_max_pool):
        y = pool(x, 4) if pool is F.max_pool else pool(x)
        assert y.dtype == dtype
        assert y.item() == big


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint32", "bool", "float8_e4m3fn"])
def test_maxima_keep_their_type(dtype):
    # Padding doesn't win even over the lowest value, nor where a type has no infinity.
    info = None if dtype in ("bool", "float8_e4m3fn") else jnp.iinfo(dtype)
    low, high = (info.min, info.max) if info else (False, True) if dtype == "bool" else (-448, 448)
    x = jnp.array([low, low, high, high], dtype)[None, :, None]
    options = {"strides": 2, "padding": [(1, 0)]}
    for pool, expected in ((F.max_pool, [low, high]), (F.min_pool, [low, low])):
        y = pool(x, 3 if pool is F.max_pool else 2, **options)
        assert y.dtype == dtype
        np.testing.assert_array_equal(np.asarray(y)[0, :, 0].astype(np.float64), expected)
    assert F.global_max_pool(x).dtype == dtype
    assert F.global_max_pool(x).item() == high
    assert F.pool(x, 2, init=low, reducer=lax.max).dtype == dtype


def test_complex_averages():
    x = jnp.array([1 + 2j, 3 - 4j])[None, :, None]
    assert F.avg_pool(x, 2).item() == 2 - 1j
    assert F.global_avg_pool(x).item() == 2 - 1j
    assert F.sum_pool(x, 2).item() == 4 - 2j
