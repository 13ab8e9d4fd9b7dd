"""The layers of a wanted output size: adaptive pools and the spatial pyramid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import nn

PAIRS = [(nn.AdaptiveAvgPool, F.adaptive_avg_pool), (nn.AdaptiveMaxPool, F.adaptive_max_pool)]


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


@pytest.mark.parametrize(("layer", "function"), PAIRS)
@pytest.mark.parametrize("output_size", [3, (3, None)])
def test_adaptive_pools_are_their_functions(layer, function, output_size):
    x = whole(2, 4, 6, 3)
    for data_format in ("channels_last", "channels_first"):
        pool = layer(output_size, data_format=data_format)
        expected = functools.partial(function, output_size=output_size, data_format=data_format)
        np.testing.assert_array_equal(*jax.jit(lambda x, pool=pool, expected=expected: (pool(x), expected(x)))(x))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.AdaptiveMaxPool((2, 3)), (2, 3, 3)),
        (nn.AdaptiveMaxPool(2, spatial_dims=2), (2, 2, 3)),
        # Without the number of dimensions the first axis is a batch.
        (nn.AdaptiveMaxPool(2), (4, 2, 3)),
        (nn.SpatialPyramidPool((1, 2), spatial_dims=2), (5 * 3,)),
        (nn.SpatialPyramidPool((1, (2, 3))), (7 * 3,)),
    ],
)
def test_one_image_is_enough_where_the_dimensions_are_known(layer, shape):
    assert jax.eval_shape(layer, jax.ShapeDtypeStruct((4, 6, 3), jnp.float32)).shape == shape


@pytest.mark.parametrize("pool", [F.adaptive_max_pool, F.adaptive_avg_pool])
def test_pyramid_is_its_function(pool):
    x = whole(2, 4, 6, 3)
    for data_format in ("channels_last", "channels_first"):
        layer = nn.SpatialPyramidPool([1, np.array([2, 3])], pool=pool, data_format=data_format)
        expected = functools.partial(F.spatial_pyramid_pool, levels=(1, (2, 3)), pool=pool, data_format=data_format)
        np.testing.assert_array_equal(*jax.jit(lambda x, layer=layer, expected=expected: (layer(x), expected(x)))(x))


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: nn.AdaptiveAvgPool(0), r"^output_size must be an integer of at least 1, got 0$"),
        (lambda: nn.AdaptiveAvgPool(None), r"^output_size must be an integer of at least 1, got None$"),
        (lambda: nn.AdaptiveMaxPool((2, 0)), r"^output_size must be an integer >= 1 or 2 of them"),
        (lambda: nn.AdaptiveMaxPool(()), r"^output_size must have 1 to 3 spatial dimensions, got 0"),
        (lambda: nn.AdaptiveMaxPool((2,), spatial_dims=2), r"^output_size must be an integer >= 1 or 2 of them"),
        (lambda: nn.AdaptiveAvgPool(2, spatial_dims=0), r"^spatial_dims must be an integer of at least 1, got 0$"),
        (lambda: nn.AdaptiveAvgPool(2, data_format="NCHW"), r"^data_format must be one of"),
        (lambda: nn.SpatialPyramidPool(()), r"^levels must be at least one grid size"),
        (lambda: nn.SpatialPyramidPool(3), r"^levels must be at least one grid size"),
        (lambda: nn.SpatialPyramidPool((1, 0)), r"^levels must be"),
        (lambda: nn.SpatialPyramidPool((1, (2, 2)), spatial_dims=1), r"^levels must be"),
        (lambda: nn.SpatialPyramidPool(((2, 2), (1, 2, 3))), r"^levels must be"),
        (lambda: nn.SpatialPyramidPool((1, (1, 2, 3, 4))), r"^levels must have 1 to 3 spatial dimensions, got 4"),
        (lambda: nn.SpatialPyramidPool((1, 2), data_format=None), r"^data_format must be one of"),
    ],
)
def test_the_constructors_refuse(create, message):
    with pytest.raises(ValueError, match=message):
        create()
