"""Arrays whose types say how they are sharded, as `jax.make_mesh` has them by default: no operation asks for more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import jaxcnn.functional as F

KERNEL = jnp.ones((2, 3, 4, 4))
OPERATIONS = {
    "conv": lambda x: F.conv(x, KERNEL),
    "conv_transpose": lambda x: F.conv_transpose(x, KERNEL),
    "max_pool, tiles": lambda x: F.max_pool(x, 2),
    "max_pool, overlapping": lambda x: F.max_pool(x, 3, strides=1),
    "max_pool_with_argmax": lambda x: F.max_pool_with_argmax(x, 2, padding=1)[0],
    "avg_pool": lambda x: F.avg_pool(x, 2),
    "lp_pool": lambda x: F.lp_pool(x, 2),
    "extract_patches": lambda x: F.extract_patches(x, 2),
    "blur_pool": F.blur_pool,
    "adaptive_max_pool": lambda x: F.adaptive_max_pool(x, 2),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_batch_stays_where_it_is(name):
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(AxisType.Explicit,))
    sharding = NamedSharding(mesh, PartitionSpec("batch", None, None, None))

    def value_and_gradient(x):
        y, pull = jax.vjp(OPERATIONS[name], x)
        return y, *pull(y)

    with jax.set_mesh(mesh):
        x = jax.device_put(jnp.ones((8, 5, 6, 4)), sharding)
        # Lowered as well, where the convolutions take their form.
        y, ct = jax.jit(value_and_gradient).lower(x).out_info
    assert (y.sharding.spec[0], ct.sharding.spec[0]) == ("batch", "batch")


def test_padding_beyond_the_window_is_differentiated_as_without_a_mesh():
    """Its gradient cuts one end and pads the other, and XLA's own convolution reads beyond such an input."""
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(AxisType.Explicit,))
    x, kernel = jax.random.normal(jax.random.key(0), (4, 40, 3)), jax.random.normal(jax.random.key(1), (3, 3, 4))
    gradient = jax.jit(jax.grad(lambda x: (F.conv(x, kernel, padding=[(6, 0)]) ** 2).sum()))
    expected = gradient(x)
    with jax.set_mesh(mesh):
        found = gradient(jax.device_put(x, NamedSharding(mesh, PartitionSpec("batch", None, None))))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
