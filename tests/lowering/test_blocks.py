"""Blocks of a row's cells in place of cells: how long they are, and lax's numbers in all that is made of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxcnn.lowering import blocks, onednn
from jaxcnn.lowering.primitive import conv_general_dilated

only_where_tested = pytest.mark.skipif(
    not onednn.is_available(), reason="oneDNN's calls are used on x86-64 Linux, with the versions of jaxlib in TESTED"
)


def whole(*shape, seed=0):
    """Small whole numbers: sums of their products are exact in any order."""
    return jnp.asarray(np.random.default_rng(seed).integers(-4, 5, shape), jnp.float32)


@pytest.mark.parametrize(
    ("width", "window", "features", "block"),
    [
        (24, 5, 3, 4),  # swish_cnn's first layer: 12 features of 16
        (20, 5, 6, 2),
        (25, 5, 3, 5),
        (26, 5, 3, 2),
        (23, 5, 3, 1),  # no block divides a row
        (24, 1, 3, 1),  # a window that sees one pixel would hold zeros alone
        (24, 3, 1, 3),
        (24, 5, 9, 1),  # two cells are more than a vector
        (2, 5, 3, 2),
        (0, 5, 3, 1),
        (24, 5, 0, 4),
    ],
)
def test_cells_of_a_block(width, window, features, block):
    assert blocks.cells(width, window, features, 16) == block


def pulled(conv, options, x, kernel):
    y, pull = jax.vjp(functools.partial(conv, **options), x, kernel)
    return y, *pull(jnp.round(y / 8))


@only_where_tested
@pytest.mark.parametrize(
    ("x", "kernel", "options", "calls"),
    [
        # Forward 8 cells in blocks of 2, the input's 8 in blocks of 4; the kernel's gradient in blocks of 4.
        ((2, 5, 8, 3), (3, 5, 3, 6), {"padding": "SAME"}, ["2x5x4x12", "2x5x2x12", "72x24"]),
        ((2, 12, 1), (4, 1, 5), {"padding": [(0, 1)]}, ["2x5x10"]),
        ((2, 3, 4, 6, 2), (2, 1, 3, 2, 3), {"padding": "SAME"}, ["2x3x4x2x9", "2x3x4x2x6", "20x9"]),
        ((2, 9, 8, 1), (3, 3, 1, 4), {"window_strides": (2, 1), "rhs_dilation": (3, 1)}, ["2x2x2x12", "15x12"]),
        ((2, 9, 8, 1), (3, 3, 1, 4), {"window_strides": (1, 2), "padding": "SAME"}, ["2x9x4x4"]),
        ((2, 9, 9, 1), (3, 3, 1, 4), {"rhs_dilation": (1, 2), "padding": [(0, 0), (1, 0)]}, ["2x7x6x4"]),
        ((2, 9, 8, 6), (3, 3, 3, 4), {"feature_group_count": 2}, ["2x7x6x4"]),
    ],
    ids=["2-D", "1-D", "3-D", "strides and holes of other axes", "strides", "holes", "groups"],
)
def test_values_and_gradients_equal_laxs(x, kernel, options, calls):
    numbers = [("NHC", "HIO", "NHC"), ("NHWC", "HWIO", "NHWC"), ("NDHWC", "DHWIO", "NDHWC")][len(x) - 3]
    operands = whole(*x), whole(*kernel, seed=1)
    options = {"window_strides": (1,) * (len(x) - 2), "padding": "VALID", "dimension_numbers": numbers} | options
    with onednn.in_force():
        lowered = jax.jit(functools.partial(pulled, conv_general_dilated, options)).lower(*operands)
    of_onednn = [line for line in lowered.as_text().splitlines() if "@__onednn$" in line]
    for shape in calls:
        assert any(f"-> tensor<{shape}xf32>" in line for line in of_onednn), (shape, of_onednn)
    expected = jax.jit(functools.partial(pulled, lax.conv_general_dilated, options))(*operands)
    jax.tree.map(np.testing.assert_array_equal, lowered.compile()(*operands), expected)


@only_where_tested
@pytest.mark.parametrize(
    "transformed",
    [
        lambda squares: jax.grad(lambda x: jax.grad(squares, 1)(x, whole(3, 3, 2, 3)).sum() / 8)(whole(2, 3, 6, 2)),
        lambda squares: jax.vmap(jax.grad(squares), (0, None))(whole(4, 2, 3, 6, 2), whole(3, 3, 2, 3, seed=1)),
        lambda squares: lax.map(lambda x: jax.grad(squares, 1)(x, whole(3, 3, 2, 3)), whole(2, 2, 3, 6, 2)),
    ],
    ids=["second order", "vmap", "loop"],
)
def test_transformations(transformed):
    def squares(conv):
        options = {"window_strides": (1, 1), "padding": "SAME", "dimension_numbers": ("NHWC", "HWIO", "NHWC")}
        return lambda x, kernel: (conv(x, kernel, **options) ** 2).sum() / 8

    with onednn.in_force():
        lowered = jax.jit(lambda: transformed(squares(conv_general_dilated))).lower()
    assert "x3x2x9xf32>" in lowered.as_text()
    expected = jax.jit(lambda: transformed(squares(lax.conv_general_dilated)))()
    jax.tree.map(np.testing.assert_array_equal, lowered.compile()(), expected)


@only_where_tested
def test_infinity_stays_in_the_blocks_that_see_it():
    x = whole(1, 1, 24, 1).at[0, 0, 11, 0].set(jnp.inf)
    kernel, numbers = jnp.ones((1, 5, 1, 3)), ("NHWC", "HWIO", "NHWC")
    with onednn.in_force():
        conv = jax.jit(lambda x: conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=numbers))
        row = conv(x)[0, 0, :, 0]
    # 20 cells in blocks of 5: cells 7 to 11 see pixel 11, and so do the blocks of cells 5 to 14.
    np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(row)), np.arange(5, 15))
