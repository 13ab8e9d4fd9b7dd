"""A batch in slices gives what the whole batch gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.lowering import slices


@pytest.mark.parametrize(
    ("batch", "image_bytes", "images"),
    [(6, 100, 6), (6, 2**20, 2), (7, 2**20, 2), (7, 2**19, 4), (6, 2**30, 1), (0, 100, 0), (6, 0, 6)],
)
def test_slices_fit_and_are_even(batch, image_bytes, images):
    assert slices.images_of(batch, image_bytes, 2**21) == images


@pytest.mark.parametrize(("image_bytes", "length"), [(1, None), (4, "length=3"), (8, "length=7")])
def test_slices_and_the_rest_of_the_batch(image_bytes, length):
    x = jnp.arange(14.0).reshape(7, 2)
    double, total = (lambda x: 2 * x), (lambda x, y: (x * y).sum(0))
    mapped = lambda x: slices.mapped(double, x, image_bytes, 8)  # noqa: E731
    summed = lambda x: slices.summed(total, (x, x + 1), image_bytes, 8)  # noqa: E731
    np.testing.assert_array_equal(mapped(x), 2 * x)
    np.testing.assert_array_equal(summed(x), (x * (x + 1)).sum(0))
    for function in (mapped, summed):
        text = str(jax.make_jaxpr(function)(x))
        assert "scan" not in text if length is None else length in text
