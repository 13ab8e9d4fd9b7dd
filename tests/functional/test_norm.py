"""Local response normalisation against the paper's sum written out, in every layout."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from jaxcnn.functional.norm import local_response_norm

QUICK = settings(max_examples=8)
ALEXNET = {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2}
STRONG = {"size": 3, "alpha": 0.7, "beta": 0.6, "k": 1.2}


def summed(x, size, alpha, beta, k):
    """The formula of section 3.3, channel by channel; channels last."""
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        neighbours = x[..., max(c - size // 2, 0) : c + (size - 1) // 2 + 1]
        y[..., c] = x[..., c] / (k + alpha * (neighbours**2).sum(-1)) ** beta
    return y


@QUICK
@given(
    st.lists(st.integers(1, 4), max_size=3),
    st.integers(1, 7),
    st.integers(1, 9),
    st.sampled_from(["channels_last", "channels_first"]),
    st.booleans(),
)
def test_against_the_formula(spatial, channels, size, data_format, batched):
    x = np.random.default_rng(size).standard_normal((2, *spatial, channels))
    options = {"size": size, "alpha": 0.3, "beta": 0.75, "k": 1.5}
    expected = summed(x, **options)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    if not batched:
        x, expected, options["spatial_dims"] = x[0], expected[0], len(spatial)
    norm = jax.jit(functools.partial(local_response_norm, data_format=data_format, **options))
    np.testing.assert_allclose(norm(x.astype(np.float32)), expected, rtol=1e-5)


def test_by_hand():
    # Even sizes look one channel further back.
    x = jnp.array([[1.0, 2.0, 3.0]])
    y = local_response_norm(x, size=2, alpha=1, beta=1, k=1)
    np.testing.assert_allclose(y, [[1 / 2, 2 / 6, 3 / 14]], rtol=1e-6)
    np.testing.assert_allclose(local_response_norm(x, **ALEXNET), x / (2 + 14e-4) ** 0.75, rtol=1e-6)


@pytest.mark.parametrize("options", [{**STRONG, "size": 4, "k": 0}, {**STRONG, "data_format": "channels_first"}])
def test_check_grads_to_second_order(x64, options):
    x = np.random.default_rng(0).standard_normal((2, 3, 2)) + 2
    check_grads(jax.jit(functools.partial(local_response_norm, **options)), (x,), order=2, modes=("rev",))


def test_its_numbers_may_be_learned(x64):
    x = np.random.default_rng(0).standard_normal((2, 4))

    def norm(alpha, beta, k):
        return local_response_norm(x, size=3, alpha=alpha, beta=beta, k=k)

    check_grads(jax.jit(norm), (0.7, 0.6, 1.2), order=2, modes=("rev",))


def test_silence_stays_silent():
    x = jnp.array([[0.0, 0.0, 0.0, 2.0]])
    y, pull = jax.vjp(lambda x: local_response_norm(x, size=3, alpha=1, beta=0.5, k=0), x)
    np.testing.assert_allclose(y, [[0, 0, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(pull(jnp.ones_like(y))[0], [[0, 0, 0.5, 0]], atol=1e-6)


def test_vmap_and_dtypes(x64):
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    norm = functools.partial(local_response_norm, **STRONG)
    np.testing.assert_allclose(jax.jit(jax.vmap(norm))(x)[1], jax.jit(norm)(x[1]), rtol=1e-12)
    for dtype in ("float64", "float32", "bfloat16", "float16"):
        assert jax.eval_shape(norm, jnp.asarray(x, dtype)).dtype == dtype
    # A square in float16 would overflow.
    big = local_response_norm(jnp.full((1, 1), 1000, jnp.float16), size=1, alpha=1, beta=0.5, k=0)
    assert big.item() == 1


X = jax.ShapeDtypeStruct((2, 5, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (X, {"size": 0}, "^size must be an integer of at least 1, got 0$"),
        (X, {"size": 2.0}, r"^size must be an integer of at least 1, got 2\.0$"),
        (X, {"alpha": -1}, "^alpha must be at least 0, .*; got -1$"),
        (X, {"k": -0.5}, r"^k must be at least 0, .*; got -0\.5$"),
        (X, {"k": float("nan")}, "^k must be at least 0, .*; got nan$"),
        (X, {"beta": np.ones(2)}, r"^beta must be a scalar, got shape \(2,\)$"),
        (X, {"beta": 1j}, "^beta must fit the dtype of x, float32; got 1j"),
        (X, {"spatial_dims": 1}, "^x must have 3 axes"),
        (X, {"data_format": "NCHW"}, "^data_format must be one of"),
        (jax.ShapeDtypeStruct((4,), np.float32), {}, "^x must have axes"),
    ],
)
def test_refused(x, options, message):
    with pytest.raises(ValueError, match="must") as caught:
        jax.eval_shape(functools.partial(local_response_norm, **{**STRONG, **options}), x)
    assert re.search(message, str(caught.value))


def test_wrong_types():
    for dtype in (np.int32, np.complex64):
        with pytest.raises(TypeError, match=r"^x must be real floating for local_response_norm, got "):
            local_response_norm(np.ones((1, 4), dtype), **STRONG)
    with pytest.raises(TypeError, match=r"^alpha must be an array of numbers, got str$"):
        local_response_norm(np.ones((1, 4)), **{**STRONG, "alpha": "2"})
