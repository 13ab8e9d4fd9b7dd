"""The gradient to a kernel as one convolution by oneDNN: which convolutions take it, and the slices of their batch.

More options and transformations stand in `test_onednn.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxcnn.lowering import exchanged, onednn
from jaxcnn.lowering.kernel_gradient import kernel_gradient
from jaxcnn.lowering.primitive import conv_general_dilated

ONES = dict.fromkeys(("window_strides", "lhs_dilation", "rhs_dilation"), (1, 1))
PLAIN = {**ONES, "padding": ((1, 1), (0, 0)), "batch_group_count": 1}

only_where_tested = pytest.mark.skipif(
    not onednn.is_available(), reason="oneDNN's calls are used on x86-64 Linux, with the versions of jaxlib in TESTED"
)


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


@pytest.mark.parametrize(
    ("x", "g", "taken"),
    [
        ((64, 14, 14, 32), (64, 14, 14, 64), True),  # fashion_cnn's second layer
        ((64, 14, 14, 6), (64, 10, 10, 16), True),  # lenet5's
        ((64, 28, 28, 1), (64, 26, 26, 32), False),  # one channel
        ((64, 14, 14, 6), (64, 10, 10, 32), False),  # few channels for the features
        ((3, 14, 14, 32), (3, 14, 14, 64), False),  # few images
        ((64, 224, 224, 32), (64, 224, 224, 64), False),  # large images
        ((64, 9, 9, 9, 32), (64, 9, 9, 9, 64), False),  # volumes
    ],
)
def test_it_is_taken_for_many_images_and_channels(x, g, taken):
    x, g = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (x, g))
    assert exchanged.suits(x, g, **PLAIN) == taken


@only_where_tested
def test_equals_the_sum_over_patches_in_slices_of_the_batch(monkeypatch):
    # 6 rows of 4 cells of 3 features of float32: 288 bytes an image; of 11 images 4 are a slice, at the least.
    monkeypatch.setattr(exchanged, "COTANGENT_BYTES", 288)
    x, g = whole(11, 6, 6, 6), whole(11, 6, 4, 3)

    def gradient(x, g):
        with onednn.in_force():
            return kernel_gradient(x, g, **PLAIN)

    assert "length=2" in str(jax.make_jaxpr(gradient)(x, g))
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    np.testing.assert_array_equal(jax.jit(gradient)(x, g), np.einsum("bhwcij,bhwf->ijcf", patches, g))


@only_where_tested
@pytest.mark.parametrize(
    ("x", "kernel", "numbers", "options"),
    [
        ((9, 8, 7), (3, 7, 5), ("NHC", "HIO", "NHC"), {"padding": [(0, 2)]}),
        ((5, 8, 7, 6), (2, 3, 6, 4), ("NHWC", "HWIO", "NHWC"), {"window_strides": (2, 3), "padding": [(2, 1), (0, 1)]}),
        ((6, 9, 8, 16), (3, 2, 16, 3), ("NHWC", "HWIO", "NHWC"), {"rhs_dilation": (2, 3), "window_strides": (1, 2)}),
    ],
    ids=["1-D", "strides, and pixels that no window sees", "holes in the window"],
)
def test_equals_laxs_gradient(x, kernel, numbers, options):
    x, kernel = whole(*x), whole(*kernel)
    options = {"window_strides": (1,) * (x.ndim - 2), "padding": "VALID", "dimension_numbers": numbers} | options

    def gradient(conv):
        return jax.grad(lambda kernel: (conv(x, kernel, **options) ** 2).sum() / 8)

    with onednn.in_force():
        lowered = jax.jit(gradient(conv_general_dilated)).lower(kernel)
    assert "kernel_gradient" in lowered.as_text(debug_info=True)
    np.testing.assert_array_equal(lowered.compile()(kernel), jax.jit(gradient(lax.conv_general_dilated))(kernel))
