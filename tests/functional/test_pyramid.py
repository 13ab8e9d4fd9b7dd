"""Spatial-pyramid pooling: lengths, order and levels, by hand and by the adaptive pools that it is made of."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxcnn.functional.adaptive import adaptive_avg_pool
from jaxcnn.functional.pyramid import spatial_pyramid_pool


def test_by_hand():
    x = jnp.array([[1.0, 5, 2], [0, 3, 9], [7, 4, 6]])[None, ..., None]
    y = jax.jit(functools.partial(spatial_pyramid_pool, levels=(1, 2, 3)))(x)
    np.testing.assert_array_equal(y, [[9, 5, 9, 7, 9, 1, 5, 2, 0, 3, 9, 7, 4, 6]])
    y = spatial_pyramid_pool(x, [1, (1, 3)], pool=adaptive_avg_pool)
    np.testing.assert_allclose(y, [[37 / 9, 8 / 3, 4, 17 / 3]], rtol=1e-6)


@pytest.mark.parametrize("spatial", [(5,), (3, 4)])
def test_the_length_depends_on_levels_and_channels_alone(spatial):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, *spatial, 3)), jnp.float32)
    pool = jax.jit(spatial_pyramid_pool, static_argnames=("levels", "data_format", "spatial_dims"))
    y = pool(x, (1, 2, 4))
    n = len(spatial)
    assert y.shape == (2, 3 * (1 + 2**n + 4**n))
    np.testing.assert_array_equal(y[:, :3], x.max(tuple(range(1, n + 1))))
    first = pool(jnp.moveaxis(x, -1, 1), (1, 2, 4), data_format="channels_first")
    np.testing.assert_array_equal(first, y)
    np.testing.assert_array_equal(pool(x[1], (1, 2, 4), spatial_dims=n), y[1])


@pytest.mark.slow
def test_derivatives_vmap_and_dtypes(x64):
    x = np.random.default_rng(0).permutation(np.linspace(-2, 2, 24)).reshape(2, 3, 4, 1)
    pool = functools.partial(spatial_pyramid_pool, levels=(1, 2))
    check_grads(jax.jit(lambda x: pool(x) ** 2), (x,), order=2, modes=("rev",))
    each = jax.jit(jax.vmap(functools.partial(pool, spatial_dims=2)))(x)
    np.testing.assert_array_equal(each, pool(x))
    for dtype in ("bfloat16", "int8"):
        assert pool(jnp.asarray(x, dtype)).dtype == dtype
    assert spatial_pyramid_pool(x[:0], (1, 2)).shape == (0, 5)


X = jax.ShapeDtypeStruct((2, 5, 3, 4), np.float32)


@pytest.mark.parametrize(
    ("levels", "options", "message"),
    [
        ((), {}, r"^levels must be at least one grid size, .*; got \(\)$"),
        (2, {}, "^levels must be at least one grid size, .*; got 2$"),
        ((1, 0), {}, "^levels must be an integer >= 1 or 2 of them, .*; got 0$"),
        ((1, (2, 2, 2)), {}, "^levels must be an integer >= 1 or 2 of them"),
        ((1, 2.0), {}, "^levels must be an integer >= 1 or 2 of them"),
        ((1,), {"pool": lambda x, sizes: x}, r"^pool must return .*, here \(2, 1, 1, 4\); got \(2, 5, 3, 4\)$"),
        ((1,), {"spatial_dims": 1}, "^x must have 3 axes"),
        ((1,), {"data_format": "NCHW"}, "^data_format must be one of"),
    ],
)
def test_refused(levels, options, message):
    with pytest.raises(ValueError, match="must") as caught:
        jax.eval_shape(functools.partial(spatial_pyramid_pool, levels=levels, **options), X)
    assert re.search(message, str(caught.value))
