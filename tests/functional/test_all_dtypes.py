"""Every operation in every dtype: what type comes out, and its values as NumPy's int64 and float64 say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
# Whole numbers, small enough for sums in every type, not negative for the unsigned ones.
X = np.array([[[1, 0], [3, 2], [0, 5], [2, 2], [4, 1], [1, 3]]])
KERNEL = RNG.integers(0, 3, (2, 2, 3))
LOCAL = RNG.integers(0, 3, (5, 2, 2, 3))
FLAT = X[0, :, 0], KERNEL[:, 0, 0]
INDICES = np.array([[[1, 0], [3, 2], [4, 5]]], np.int32)
PATCHES = np.lib.stride_tricks.sliding_window_view(X, 2, 1).swapaxes(2, 3)  # (1, 5, window, channels)
TILES = X.reshape(1, 3, 2, 2)


def spread():
    """conv_transpose of X with KERNEL's transpose, tap by tap."""
    y = np.zeros((1, 7, 3), np.int64)
    for tap in range(2):
        y[:, tap : tap + 6] += X @ KERNEL[tap]
    return y


def unpooled():
    y = np.zeros((1, 6, 2), np.int64)
    np.put_along_axis(y, INDICES, X[:, :3], 1)
    return y


def depthwise():
    return np.einsum("nwtc,tcm->nwcm", PATCHES, KERNEL).reshape(1, 5, 6)


def correlated():
    return np.convolve(FLAT[0], FLAT[1][::-1])


# name: (operation on arrays of the dtype, their values, the result in NumPy)
PROMOTING = {
    "conv": (F.conv, (X, KERNEL), np.einsum("nwtc,tco->nwo", PATCHES, KERNEL)),
    "conv_transpose": (F.conv_transpose, (X, KERNEL.swapaxes(1, 2)), spread()),
    "depthwise_conv": (F.depthwise_conv, (X, KERNEL), depthwise()),
    "separable_conv": (F.separable_conv, (X, KERNEL, np.ones((1, 6, 1), int)), depthwise().sum(-1, keepdims=True)),
    "local_conv": (F.local_conv, (X, LOCAL), np.einsum("nwtc,wtco->nwo", PATCHES, LOCAL)),
    "sum_pool": (lambda x: F.sum_pool(x, 2), (X,), TILES.sum(2)),
    "fold_patches": (lambda p: F.fold_patches(p, 2, output_shape=6), (PATCHES.reshape(1, 5, 4),), X * 2),
}
PROMOTING["fold_patches"][2][:, [0, -1]] //= 2
KEEPING = {
    "convolve": (F.convolve, FLAT, np.convolve(*FLAT)),
    "correlate": (F.correlate, FLAT, correlated()),
    "pool": (lambda x: F.pool(x, 2, init=1, reducer=lax.mul), (X,), TILES.prod(2)),
    "max_pool": (lambda x: F.max_pool(x, 2), (X,), TILES.max(2)),
    "min_pool": (lambda x: F.min_pool(x, 2), (X,), TILES.min(2)),
    "max_pool_with_argmax": (lambda x: F.max_pool_with_argmax(x, 2)[0], (X,), TILES.max(2)),
    "global_max_pool": (F.global_max_pool, (X,), X.max(1)),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool(x, 5), (X,), PATCHES.max(2)),
    "spatial_pyramid_pool": (lambda x: F.spatial_pyramid_pool(x, (1,)), (X,), X.max(1)),
    "fractional_max_pool": (lambda x: F.fractional_max_pool(KEY, x, 2, output_size=5), (X,), PATCHES.max(2)),
    "stochastic_pool": (lambda x: F.stochastic_pool(KEY, x, 1), (X,), X),
    "max_unpool": (lambda v: F.max_unpool(v, INDICES, output_shape=6), (X[:, :3],), unpooled()),
    "extract_patches": (lambda x: F.extract_patches(x, 2), (X,), PATCHES.reshape(1, 5, 4)),
}
AVERAGING = {
    "avg_pool": (lambda x: F.avg_pool(x, 2), (X,), TILES.mean(2)),
    "global_avg_pool": (F.global_avg_pool, (X,), X.mean(1)),
    "adaptive_avg_pool": (lambda x: F.adaptive_avg_pool(x, 5), (X,), PATCHES.mean(2)),
    "blur_pool": (lambda x: F.blur_pool(x, filter_size=2, strides=1), (X,), None),
    "stochastic_pool_mean": (
        lambda x: F.stochastic_pool_mean(x, 2),
        (X,),
        (TILES**2).sum(2) / np.maximum(TILES.sum(2), 1),
    ),
    "lp_pool": (lambda x: F.lp_pool(x, 2), (X,), np.sqrt((TILES**2).sum(2))),
    "local_response_norm": (
        lambda x: F.local_response_norm(x, size=3, alpha=0.5, beta=0.5, k=1.0),
        (X,),
        X / np.sqrt(1 + 0.5 * (X**2).sum(-1, keepdims=True)),
    ),
}
AVERAGING["blur_pool"] = (*AVERAGING["blur_pool"][:2], np.concatenate([PATCHES.mean(2), X[:, -2:].mean(1)[:, None]], 1))
REAL = {"lp_pool", "local_response_norm", "stochastic_pool_mean"}
ORDERED = {*KEEPING} - {"convolve", "correlate", "pool", "max_unpool", "extract_patches"}
SUMS = dict.fromkeys(["int8", "int16", "uint8", "uint16"], "int32")
EXACT = [*SUMS, "int32", "int64"]
INEXACT = ["bfloat16", "float16", "float32", "float64", "complex64", "complex128"]


def test_every_operation_is_here():
    # conv_general_dilated has lax's dtypes, and a test below.
    public = {name for name, value in vars(F).items() if callable(value) and not isinstance(value, type)}
    assert {*PROMOTING, *KEEPING, *AVERAGING} == public - {"conv_general_dilated", "explain"}


def outcomes(table, dtype):
    """Every operation of the table on arrays of `dtype`, compiled at once."""
    arrays = {name: [jnp.asarray(a, dtype) for a in args] for name, (_, args, _) in table.items()}
    return jax.jit(lambda arrays: {name: table[name][0](*args) for name, args in arrays.items()})(arrays)


@pytest.mark.parametrize("dtype", EXACT + INEXACT)
def test_values(x64, dtype):
    is_complex, is_exact = dtype.startswith("complex"), dtype in EXACT
    table = PROMOTING | KEEPING | ({} if is_exact else AVERAGING)
    table = {name: entry for name, entry in table.items() if not (is_complex and name in REAL | ORDERED)}
    tolerance = 0 if is_exact else float(jnp.finfo(dtype).eps)
    for name, y in outcomes(table, dtype).items():
        assert y.dtype == (SUMS.get(dtype, dtype) if name in PROMOTING else dtype), name
        # Whole numbers below 256 are exact in every type; the rest is rounded once, or twice in the last place.
        near = tolerance * (4 if name in AVERAGING else 0)
        np.testing.assert_allclose(y.astype(np.complex128), table[name][2], rtol=near, atol=0, err_msg=name)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_dtypes_are_promoted_in_plain_sight(x64, dtype):
    table = PROMOTING | KEEPING | (AVERAGING if dtype == "float32" else {})
    with jax.numpy_dtype_promotion("strict"):
        for operation, args, _ in table.values():
            jax.eval_shape(operation, *(jax.ShapeDtypeStruct(a.shape, dtype) for a in args))


def test_booleans():
    for name, y in outcomes({n: e for n, e in (PROMOTING | KEEPING).items() if n != "pool"}, "bool").items():
        assert y.dtype == ("int32" if name in PROMOTING else "bool"), name
    x = X > 1
    np.testing.assert_array_equal(F.max_pool(x, 2), x.reshape(1, 3, 2, 2).any(2))
    np.testing.assert_array_equal(F.min_pool(x, 2), x.reshape(1, 3, 2, 2).all(2))
    np.testing.assert_array_equal(F.sum_pool(x, 2), x.reshape(1, 3, 2, 2).sum(2))


@pytest.mark.parametrize("name", AVERAGING)
def test_no_average_of_integers(name):
    for dtype in ("bool", "uint8", "int32"):
        with pytest.raises(TypeError, match=rf"^x must be .*floating.* for {name}, .*{dtype}; cast it"):
            jax.eval_shape(AVERAGING[name][0], jax.ShapeDtypeStruct(X.shape, dtype))


@pytest.mark.parametrize("name", sorted(ORDERED | REAL))
def test_no_order_of_complex_numbers(name):
    operation = (KEEPING | AVERAGING)[name][0]
    with pytest.raises(TypeError, match=r"^x must be real .*got complex64"):
        jax.eval_shape(operation, jax.ShapeDtypeStruct(X.shape, np.complex64))


@pytest.mark.parametrize("name", sorted(PROMOTING | KEEPING | AVERAGING))
def test_gradients_of_half_types(name):
    operation, args, _ = (PROMOTING | KEEPING | AVERAGING)[name]
    for dtype in ("bfloat16", "float16"):
        halves = [jax.ShapeDtypeStruct(np.shape(a), dtype) for a in args]
        gradients = jax.eval_shape(jax.grad(lambda *args: operation(*args).sum(), range(len(args))), *halves)
        assert [g.dtype for g in gradients] == [dtype] * len(args)
