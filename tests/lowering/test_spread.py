"""Spreading a cell over its window, and summing."""

import jax.numpy as jnp
import numpy as np
from scipy import signal

from jaxcnn.lowering.spread import spread


def test_by_hand():
    # Each of two cells, two pixels apart, spreads 1·kernel; the far tap comes first where a convolution gathers.
    x, kernel = jnp.array([1.0, 10.0]).reshape(1, 2, 1), jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    y = spread(x, kernel, out_shape=(5,), padding=((2, 2),), lhs_dilation=(2,), rhs_dilation=(1,))
    np.testing.assert_array_equal(y.ravel(), [3, 2, 1 + 30, 20, 10])


def test_full_correlation_is_scipys(monkeypatch):
    monkeypatch.setattr("jaxcnn.lowering.spread.PRODUCT_BYTES", 1)
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(-3, 4, (3, 4, 5)).astype(np.float32), rng.integers(-3, 4, (2, 3)).astype(np.float32)
    options = {"padding": ((1, 1), (2, 2)), "lhs_dilation": (1, 1), "rhs_dilation": (1, 1)}
    y = spread(jnp.asarray(x)[..., None], jnp.asarray(kernel)[..., None, None], out_shape=(5, 7), **options)
    np.testing.assert_array_equal(y[..., 0], [signal.correlate(image, kernel) for image in x])
