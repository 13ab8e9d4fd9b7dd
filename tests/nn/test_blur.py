"""nn.BlurPool: its function with stride and filter fixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import nn


def test_is_its_function():
    x = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (2, 5, 6, 3)), jnp.float32)
    options = {"strides": (2, 1), "filter_size": 4, "data_format": "channels_first"}
    layer = nn.BlurPool(**options)
    np.testing.assert_array_equal(*jax.jit(lambda x: (layer(x), F.blur_pool(x, **options)))(x))
    # An image without a batch where a tuple or spatial_dims says N, else a batch of lines.
    for pool, shape in (
        (layer, (5, 3, 3)),
        (nn.BlurPool(spatial_dims=2), (3, 3, 3)),
        (nn.BlurPool(strides=3), (5, 2, 3)),
    ):
        assert jax.eval_shape(pool, x[0]).shape == shape


def test_by_hand():
    # [1 2 1]/4 on 0, 4, 0, 0, 0, reflected: 2, 1, 0 at every second pixel.
    row = jnp.array([0.0, 4, 0, 0, 0]).reshape(5, 1)
    np.testing.assert_array_equal(jax.jit(nn.BlurPool(spatial_dims=1))(row), [[2], [1], [0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strides": 0}, r"^strides must be an integer of at least 1, got 0$"),
        ({"strides": (2, 0)}, r"^strides must be an integer >= 1 or 2 of them"),
        ({"strides": (2,), "spatial_dims": 2}, r"^strides must be an integer >= 1 or 2 of them, .*, which has 1$"),
        ({"filter_size": 0}, r"^filter_size must be an integer of at least 1, got 0$"),
        ({"spatial_dims": 0}, r"^spatial_dims must be an integer of at least 1, got 0$"),
        ({"data_format": "NCHW"}, r"^data_format must be one of"),
    ],
)
def test_the_constructor_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        nn.BlurPool(**options)
