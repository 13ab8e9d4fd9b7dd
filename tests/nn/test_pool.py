"""The pooling layers: the functions of the same names, their options fixed and checked in the constructor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn

PAIRS = [
    (nn.MaxPool, F.max_pool, nnx.max_pool),
    (nn.MinPool, F.min_pool, nnx.min_pool),
    (nn.AvgPool, F.avg_pool, nnx.avg_pool),
    (nn.SumPool, F.sum_pool, None),
]


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


@pytest.mark.parametrize(("layer", "function", "flaxs"), PAIRS)
def test_layers_are_their_functions(layer, function, flaxs):
    options = {"strides": (2, 1), "padding": "same_lower", "dilation": 2, "ceil_mode": True}
    options["data_format"] = "channels_first"

    @jax.jit
    def both(x):
        first, theirs = jnp.moveaxis(x, -1, 1), flaxs or F.sum_pool
        return (
            (layer(2)(x), function(x, 2)),
            (layer((2, 3), **options)(first), function(first, (2, 3), **options)),
            (layer(3, strides=2)(x), theirs(x, (3, 3), strides=(2, 2))),
            # A layer's window is a tuple, so one image will do, and N may be other than 2.
            (layer(2)(x[0]), layer(2)(x)[0]),
        )

    x = whole(2, 5, 6, 3)
    for ours, expected in both(x):
        np.testing.assert_allclose(ours, expected, rtol=1e-6)
    assert jax.eval_shape(layer(2, spatial_dims=1), x[0]).shape == (5, 3, 3)
    assert jax.eval_shape(layer(2, spatial_dims=3), x[None]).shape == (1, 1, 2, 3, 3)


def test_averages_as_flaxs():
    # Flax counts the padding by default, Keras doesn't, and neither do we.
    x, padding = whole(1, 4, 4, 2), ((1, 1), (1, 0))
    for counted in (True, False):
        ours = nn.AvgPool(3, strides=1, padding=padding, count_include_pad=counted)(x)
        flaxs = nnx.avg_pool(x, (3, 3), (1, 1), padding, count_include_pad=counted)
        np.testing.assert_allclose(ours, flaxs, rtol=1e-6)
    np.testing.assert_array_equal(
        nn.AvgPool(3, padding=padding)(x), nn.AvgPool(3, padding=padding, count_include_pad=False)(x)
    )


def test_orders_of_lp():
    x = whole(1, 5, 6, 2)
    options = {"strides": (2, 1), "padding": "same_lower", "dilation": 2, "ceil_mode": True, "p": 3}
    layer, largest = nn.LpPool((2, 3), **options), nn.LpPool(2, p=np.inf)
    y, expected, maxima = jax.jit(lambda x: (layer(x), F.lp_pool(x, (2, 3), **options), largest(x)))(x)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(maxima, np.abs(x)[:, :4].reshape(1, 2, 2, 3, 2, 2).max((2, 4)))


def test_whole_images():
    x = whole(2, 3, 5, 4)
    for layer, function in ((nn.GlobalMaxPool, F.global_max_pool), (nn.GlobalAvgPool, F.global_avg_pool)):
        np.testing.assert_array_equal(layer()(x), function(x))
        assert jax.eval_shape(layer(keepdims=True), x).shape == (2, 1, 1, 4)
        assert jax.eval_shape(layer(spatial_dims=2), x[0]).shape == (4,)
        assert jax.eval_shape(layer(data_format="channels_first"), x).shape == (2, 3)


def test_flatten():
    x = whole(2, 3, 5, 4)
    np.testing.assert_array_equal(nn.Flatten()(x), x.reshape(2, 60))
    assert nn.Flatten()(x[:0]).shape == (0, 60)
    assert nn.Flatten()(np.ones((3, 2))).shape == (3, 2)
    for vector in (jnp.ones(3), jnp.ones(())):
        with pytest.raises(ValueError, match=r"^x must have a batch axis and at least one more to flatten, got shape"):
            nn.Flatten()(vector)


STATELESS = [
    nn.MaxPool(2),
    nn.AvgPool(3, strides=1, padding=1),
    nn.GlobalMaxPool(spatial_dims=2),
    nn.SumPool((2, 1)),
    nn.LpPool(2, p=3),
    nn.AdaptiveAvgPool((3, 2)),
    nn.SpatialPyramidPool((1, 2), spatial_dims=2),
    nn.BlurPool(spatial_dims=2),
    nn.LocalResponseNorm(size=2, alpha=1, beta=0.5, k=1, spatial_dims=2),
    nn.StochasticPool(2, deterministic=True),
    nn.ExtractPatches(2),
]


@pytest.mark.parametrize("layer", STATELESS, ids=lambda layer: type(layer).__name__)
def test_a_module_is_a_pytree(layer):
    x = whole(3, 4, 4, 2)
    assert not jax.tree.leaves(layer)
    graphdef, state = nnx.split(layer)
    hash(graphdef)

    @jax.jit
    def results(layer, x):
        merged = nnx.merge(graphdef, state)
        return layer(x), jax.vmap(layer)(x), merged(x), jax.grad(lambda x: layer(x).sum())(x)

    y, mapped, merged, gradient = results(layer, x)
    np.testing.assert_allclose(mapped, y, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(merged, y)
    assert gradient.shape == x.shape
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        (nn.MaxPool, {"window": 0}, "^window must be an integer >= 1 or 2 of them, .*; got 0$"),
        (nn.MaxPool, {"window": (2, 2, 2, 2)}, "^window must have 1 to 3 spatial dimensions, got 4"),
        (nn.MinPool, {"window": 2, "spatial_dims": 0}, "^spatial_dims must be an integer of at least 1, got 0$"),
        (nn.AvgPool, {"window": 2, "strides": -1}, "^strides must be"),
        (nn.AvgPool, {"window": 2, "count_include_pad": "yes"}, "^count_include_pad must be True or False, got 'yes'$"),
        (nn.SumPool, {"window": 2, "padding": "HALF"}, "^padding must be one of"),
        (nn.MaxPool, {"window": 2, "dilation": 0}, "^dilation must be"),
        (nn.MaxPool, {"window": 2, "ceil_mode": 1}, "^ceil_mode must be True or False, got 1$"),
        (nn.MaxPool, {"window": 2, "data_format": None}, "^data_format must be one of .*; got None$"),
        (nn.LpPool, {"window": 2, "p": 0.5}, "^p must be a number of at least 1, math.inf included; got 0.5$"),
        (nn.LpPool, {"window": 2, "p": "2"}, "^p must be a number of at least 1"),
        (nn.GlobalAvgPool, {"keepdims": 0}, "^keepdims must be True or False, got 0$"),
        (nn.GlobalMaxPool, {"spatial_dims": 0}, "^spatial_dims must be an integer of at least 1, got 0$"),
        (nn.GlobalMaxPool, {"data_format": "NCHW"}, "^data_format must be one of .*; got 'NCHW'$"),
    ],
)
def test_the_constructor_refuses(layer, options, message):
    with pytest.raises(ValueError, match=message):
        layer(**options)
