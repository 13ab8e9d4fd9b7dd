"""Transposed convolutions without holes: every cell's pixels as channels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn.lowering import subpixel


def test_a_cells_taps_by_hand():
    # Window a b c d, stride 2: of a cell's two pixels one sees b and d, the other a and c.
    kernel = jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)
    np.testing.assert_array_equal(subpixel._side_by_side(kernel, (2,))[:, 0], [[2, 1], [4, 3]])


@pytest.mark.parametrize(("window", "strides"), [((3, 3), (2, 2)), ((2, 5), (3, 2)), ((4, 2), (2, 2))])
def test_nothing_multiplies_holes(window, strides):
    x, kernel = jnp.ones((2, 5, 6, 3)), jnp.ones((*window, 4, 3))
    text = jax.jit(lambda x: F.conv_transpose(x, kernel, strides=strides)).lower(x).as_text()
    assert "lhs_dilate" not in text


def test_pixels_take_their_places():
    x, kernel = jnp.array([1.0, 10.0]).reshape(1, 2, 1), jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    np.testing.assert_array_equal(F.conv_transpose(x, kernel, strides=2).ravel(), [1, 2, 3 + 10, 20, 30])
