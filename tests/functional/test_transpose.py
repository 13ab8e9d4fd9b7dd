"""conv_transpose is conv's adjoint; sizes as PyTorch and Keras print them; what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxcnn.functional as F
from jaxcnn import geometry

PADDINGS = ("VALID", "SAME", "SAME_LOWER", "FULL", 0, 1, [(1, 0)], [(2, 1)])


def dot(a, b):
    return float(np.vdot(np.asarray(a, np.float64), np.asarray(b, np.float64)))


@settings(max_examples=20)
@given(st.data())
def test_is_the_adjoint_of_conv(data):
    """<conv(y), x> = <y, conv_transpose(x)> wherever conv maps the output's shape to x's."""
    size, window = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 3))
    stride, dilation = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    groups, padding = data.draw(st.integers(1, 2)), data.draw(st.sampled_from(PADDINGS))
    options = {"strides": stride, "padding": padding, "kernel_dilation": dilation}
    try:
        out = geometry.conv_output_shape((size,), window, **options)
    except ValueError:
        return
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((window, 3, 2 * groups)).astype(np.float32)
    y = rng.standard_normal((2, size, 3 * groups)).astype(np.float32)
    x = rng.standard_normal((2, *out, 2 * groups)).astype(np.float32)

    @jax.jit
    def both(x, y, kernel):
        there = F.conv(y, kernel, groups=groups, **options)
        return there, F.conv_transpose(x, kernel, groups=groups, output_shape=(size,), **options)

    there, spread = both(x, y, kernel)
    assert spread.shape == y.shape
    assert dot(there, x) == pytest.approx(dot(y, spread), rel=1e-4, abs=1e-4)


def test_by_hand():
    """Each cell of x writes the kernel, scaled: [1, 2] with stride 2 and [1, 10, 100] overlap in the middle."""
    x, kernel = jnp.array([[[1.0], [2.0]]]), jnp.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    assert F.conv_transpose(x, kernel, strides=2)[0, :, 0].tolist() == [1, 10, 102, 20, 200]
    assert F.conv_transpose(x, kernel, strides=2, padding=1)[0, :, 0].tolist() == [10, 102, 20]
    assert F.conv_transpose(x, kernel, strides=2, padding="SAME")[0, :, 0].tolist() == [1, 10, 102, 20]
    assert F.conv_transpose(x, kernel, strides=2, output_padding=1)[0, :, 0].tolist() == [1, 10, 102, 20, 200, 0]
    assert F.conv_transpose(x, kernel, jnp.array([5.0]), strides=2)[0, :, 0].tolist() == [6, 15, 107, 25, 205]


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        # PyTorch's documented (i−1)s − 2p + d(k−1) + op + 1
        (7, {"strides": 2, "padding": 1}, 13),
        (7, {"strides": 2, "padding": 1, "output_padding": 1}, 14),
        (5, {"strides": 3, "padding": 2, "kernel_dilation": 2}, 13),
        # Keras's "same" is input × stride
        (7, {"strides": 2, "padding": "same"}, 14),
        (7, {"strides": 5, "padding": "same"}, 35),
        (7, {"strides": 2, "padding": "same", "output_shape": 13}, 13),
        (7, {"strides": 2, "padding": 1, "output_shape": 14}, 14),
        (7, {"strides": 2, "padding": 1, "output_shape": 14, "output_padding": 1}, 14),
    ],
)
def test_sizes(size, options, expected):
    shape = jax.eval_shape(lambda x, k: F.conv_transpose(x, k, **options), jnp.ones((1, size, 2)), jnp.ones((3, 4, 2)))
    assert shape.shape == (1, expected, 4)


def test_layouts_agree():
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 4, 5, 3), np.float32), rng.standard_normal((3, 2, 6, 3), np.float32)
    y = F.conv_transpose(x, kernel, strides=2)
    first = F.conv_transpose(np.moveaxis(x, -1, 1), kernel, strides=2, data_format="channels_first")
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), y, rtol=1e-5)
    np.testing.assert_allclose(F.conv_transpose(x[0], kernel, strides=2), y[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strides": 2, "output_padding": 2}, r"output_padding must be below max\(stride, dilation\), at most \(1,\)"),
        ({"strides": 2, "output_shape": 11}, r"output_shape must lie between \(9,\) and \(10,\)"),
        ({"strides": 2, "padding": "SAME", "output_shape": 9}, r"output_shape must lie between \(7,\) and \(8,\)"),
        ({"strides": 2, "output_shape": 9, "output_padding": 1}, "output_padding and output_shape must agree"),
        ({"padding": 4}, "padding must leave at least one output pixel"),
        ({"groups": 3}, "groups must divide the channels of x; got groups=3 with 2"),
        ({"strides": 0}, "strides must be an integer >= 1"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        F.conv_transpose(jnp.ones((1, 4, 2)), jnp.ones((3, 5, 2)), **options)


def test_refuses_a_kernel_of_other_channels():
    with pytest.raises(ValueError, match="with 2 input channels, those of x; got kernel shape"):
        F.conv_transpose(jnp.ones((1, 4, 2)), jnp.ones((3, 2, 5)))
