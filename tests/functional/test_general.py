"""lax's own signature: a drop-in inside Flax's layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from flax import nnx as flax_nnx
from jax import lax

import jaxcnn.functional as F

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("numbers", "shapes", "options"),
    [
        (("NCHW", "OIHW", "NCHW"), ((2, 3, 5, 6), (4, 3, 2, 3)), {}),
        (("NHWC", "HWIO", "NHWC"), ((2, 5, 6, 4), (2, 3, 2, 6)), {"feature_group_count": 2, "lhs_dilation": (2, 1)}),
        (("CWNH", "WOHI", "HCNW"), ((3, 5, 2, 6), (2, 4, 3, 3)), {"rhs_dilation": (1, 2)}),
        (("NHWC", "HWIO", "NHWC"), ((4, 5, 6, 3), (2, 3, 3, 4)), {"batch_group_count": 2}),
    ],
)
def test_equals_lax_with_its_gradients(numbers, shapes, options):
    lhs, rhs = (jnp.asarray(RNG.standard_normal(shape, np.float32)) for shape in shapes)

    def loss(operation):
        return lambda lhs, rhs: jnp.sin(
            operation(lhs, rhs, (1, 2), [(1, 0), (0, 1)], dimension_numbers=numbers, **options)
        ).sum()

    ours = jax.jit(jax.value_and_grad(loss(F.conv_general_dilated), (0, 1)))(lhs, rhs)
    laxs = jax.jit(jax.value_and_grad(loss(lax.conv_general_dilated), (0, 1)))(lhs, rhs)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), ours, laxs)


def test_inside_flaxs_layers():
    x = jnp.asarray(RNG.standard_normal((2, 6, 6, 3), np.float32))
    plain = flax_nnx.Conv(3, 4, (3, 3), rngs=flax_nnx.Rngs(0))
    ours = flax_nnx.Conv(3, 4, (3, 3), conv_general_dilated=F.conv_general_dilated, rngs=flax_nnx.Rngs(0))
    np.testing.assert_allclose(ours(x), plain(x), atol=1e-5)
    layer = linen.Conv(4, (3, 3), conv_general_dilated=F.conv_general_dilated)
    variables = layer.init(jax.random.key(0), x)
    np.testing.assert_allclose(layer.apply(variables, x), linen.Conv(4, (3, 3)).apply(variables, x), atol=1e-5)


def test_without_spatial_dimensions_it_is_a_product():
    x, kernel = jnp.arange(6.0).reshape(2, 3), jnp.arange(12.0).reshape(3, 4)
    y = F.conv_general_dilated(x, kernel, (), [], dimension_numbers=(("NC"), ("IO"), ("NC")))
    np.testing.assert_array_equal(y, x @ kernel)
