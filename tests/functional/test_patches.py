"""Patches by hand, as a convolution's left operand, and their exact adjoint."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxcnn.functional as F
from jaxcnn import geometry


def test_by_hand():
    x = jnp.arange(1, 10).reshape(3, 3, 1)
    assert F.extract_patches(x, (2, 2)).reshape(4, 4).tolist() == [
        [1, 2, 4, 5],
        [2, 3, 5, 6],
        [4, 5, 7, 8],
        [5, 6, 8, 9],
    ]
    two = jnp.stack([jnp.arange(3), 10 * jnp.arange(3)], -1)[None]  # positions before channels
    assert F.extract_patches(two, 2)[0].tolist() == [[0, 0, 1, 10], [1, 10, 2, 20]]


@settings(max_examples=6)
@given(st.data())
def test_convolution_and_adjoint(data):
    spatial = tuple(data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=2)))
    window = tuple(data.draw(st.lists(st.integers(1, 3), min_size=2, max_size=2)))
    options = {"strides": data.draw(st.integers(1, 3)), "padding": data.draw(st.sampled_from(["VALID", "SAME", 1]))}
    dilation = data.draw(st.integers(1, 2))
    try:
        out = geometry.conv_output_shape(spatial, window, kernel_dilation=dilation, **options)
    except ValueError:
        return
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, *spatial, 2)).astype(np.float32)
    kernel = rng.standard_normal((*window, 2, 3)).astype(np.float32)
    y = rng.standard_normal((2, *out, window[0] * window[1] * 2)).astype(np.float32)

    @jax.jit
    def results(x, y, kernel):
        patches = F.extract_patches(x, window, dilation=dilation, **options)
        folded = F.fold_patches(y, window, output_shape=spatial, dilation=dilation, **options)
        return patches, folded, F.conv(x, kernel, kernel_dilation=dilation, **options)

    patches, folded, expected = map(np.asarray, results(x, y, kernel))
    assert patches.shape == y.shape
    np.testing.assert_allclose(patches @ kernel.reshape(-1, 3), expected, atol=1e-4)
    assert np.vdot(patches, y) == pytest.approx(np.vdot(x, folded), rel=1e-3, abs=1e-3)


def test_folding_counts_the_overlaps():
    ones = jnp.ones((1, 4, 1), jnp.int8)
    folded = F.fold_patches(F.extract_patches(ones, 3), 3, output_shape=4)
    assert folded[0, :, 0].tolist() == [1, 2, 2, 1]
    assert folded.dtype == jnp.int32


def test_layouts_agree():
    x = jnp.arange(24.0).reshape(1, 3, 4, 2)
    first = F.extract_patches(jnp.moveaxis(x, -1, 1), 2, data_format="channels_first")
    assert jnp.array_equal(jnp.moveaxis(first, 1, -1), F.extract_patches(x, 2))
    assert jnp.array_equal(F.extract_patches(x[0], (2, 2)), F.extract_patches(x, 2)[0])


def test_refuses():
    with pytest.raises(ValueError, match=r"patches must have shape \(batch, 3, 2 · channels\)"):
        F.fold_patches(jnp.ones((1, 2, 4)), 2, output_shape=4)
    with pytest.raises(ValueError, match="window must fit into the padded input"):
        F.extract_patches(jnp.ones((1, 2, 1)), 3)


@pytest.mark.parametrize("stride", [1, 3])
def test_many_taps_are_cut_out_in_a_loop(x64, stride):
    # Written out, 500 taps took XLA seconds to compile. (With stride 1 folding is, which runs faster so.)
    rng = np.random.default_rng(0)
    x, options = rng.standard_normal((2, 700, 2)), {"strides": stride, "dilation": 2, "padding": [(4, 5)]}

    def there(x):
        return F.extract_patches(x, 150, **options)

    def back(y):
        return F.fold_patches(y, 150, output_shape=700, **options)

    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (4, 5), (0, 0))), 299, 1)
    expected = windows[:, ::stride, :, ::2].swapaxes(2, 3).reshape(2, -1, 300)
    y = rng.standard_normal(expected.shape)
    assert len(jax.make_jaxpr(there)(x).jaxpr.eqns) < 100
    assert (len(jax.make_jaxpr(back)(y).jaxpr.eqns) < 100) == (stride > 1)
    np.testing.assert_array_equal(jax.jit(there)(x), expected)
    np.testing.assert_allclose(np.vdot(expected, y), np.vdot(x, jax.jit(back)(y)), rtol=1e-9)
