"""The gradient to a kernel, by strips and matrix products."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcnn.lowering import kernel_gradient as module

ONES = dict.fromkeys(("window_strides", "lhs_dilation", "rhs_dilation"), (1, 1))
PLAIN = {**ONES, "padding": ((0, 0), (0, 0))}


def maps(*shapes):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.integers(-3, 4, shape), jnp.float32) for shape in shapes]


def test_equals_the_sum_over_patches_in_slices_of_the_batch(monkeypatch):
    # Strips of 6 rows, 4 cells, 3 taps and 2 channels of float32: 576 bytes an image, of 7 images one is left over.
    monkeypatch.setattr(module, "STRIP_BYTES", 2 * 576)
    x, g = maps((7, 6, 6, 2), (7, 4, 4, 3))
    gradient = lambda x, g: module.kernel_gradient(x, g, **PLAIN, batch_group_count=1)  # noqa: E731
    assert "length=3" in str(jax.make_jaxpr(gradient)(x, g))
    patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
    np.testing.assert_array_equal(gradient(x, g), np.einsum("bhwcij,bhwf->ijcf", patches, g))


def test_groups_do_not_see_one_another():
    x, g = maps((3, 5, 5, 6), (3, 4, 4, 8))
    both = module.kernel_gradient(x, g, **PLAIN, batch_group_count=2)
    halves = [
        module.kernel_gradient(a, b, **PLAIN, batch_group_count=1)
        for a, b in zip(jnp.split(x, 2, -1), jnp.split(g, 2, -1), strict=True)
    ]
    np.testing.assert_array_equal(both, jnp.concatenate(halves, -1))
