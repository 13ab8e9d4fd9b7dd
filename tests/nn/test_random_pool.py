"""nn.StochasticPool: draws in training, means in evaluation, and its stream as Dropout's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn


def positive(*shape):
    return jnp.asarray(np.random.default_rng(0).uniform(0.1, 1, shape), jnp.float32)


run = nnx.jit(lambda layer, x: layer(x))


def test_training_draws_and_evaluation_averages():
    layer, x = nn.StochasticPool(2, rngs=nnx.Rngs(0)), positive(2, 4, 4, 3)
    first, second = run(layer, x), run(layer, x)
    # The compiled calls have moved the layer's own stream on.
    assert layer.rngs.count[...] == 2
    assert (first != second).any()
    np.testing.assert_array_equal(run(nn.StochasticPool(2, rngs=nnx.Rngs(0)), x), first)
    windows = np.reshape(x, (2, 2, 2, 2, 2, 3)).transpose(0, 1, 3, 5, 2, 4).reshape(2, 2, 2, 3, 4)
    assert (windows == np.asarray(first)[..., None]).any(-1).all()
    layer.eval()
    mean = run(layer, x)
    np.testing.assert_allclose(mean, (windows**2).sum(-1) / windows.sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(run(nnx.view(layer, deterministic=True), x), mean)
    layer.train()
    assert (run(layer, x) != mean).any()


def test_is_its_function_under_a_key():
    x, key = positive(2, 5, 6, 3), jax.random.key(3)
    options = {"strides": (2, 1), "padding": "same", "dilation": 2, "ceil_mode": True, "data_format": "channels_first"}
    layer = nn.StochasticPool((2, 3), **options)
    functions = [
        (lambda x: layer(x, rngs=key), lambda x: F.stochastic_pool(key, x, (2, 3), **options)),
        (lambda x: layer(x, deterministic=True), lambda x: F.stochastic_pool_mean(x, (2, 3), **options)),
    ]
    for ours, theirs in functions:
        np.testing.assert_array_equal(*jax.jit(lambda x, ours=ours, theirs=theirs: (ours(x), theirs(x)))(x))
    assert jax.eval_shape(lambda x: nn.StochasticPool(2, spatial_dims=1)(x, rngs=key), x[0]).shape == (5, 3, 3)


def test_its_stream_is_dropouts_or_another():
    x = positive(1, 4, 4, 3)
    create = [
        lambda: nn.StochasticPool(2, rngs=nnx.Rngs(params=5, dropout=1)),
        lambda: nn.StochasticPool(2, rngs=nnx.Rngs(dropout=1).dropout),
        lambda: nn.StochasticPool(2, rng_collection="pool", rngs=nnx.Rngs(params=5, pool=1)),
        lambda: nn.StochasticPool(2, rngs=nnx.Rngs(params=1, dropout=2)),
    ]
    first, same, other = (run(create[index](), x) for index in (0, 1, 3))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    assert nnx.eval_shape(lambda: create[2]()(x)).shape == first.shape
    layer = create[0]()
    nnx.jit(lambda layer, x, rngs: layer(x, rngs=rngs))(layer, x, nnx.Rngs(dropout=9))
    assert layer.rngs.count[...] == 0


def test_in_a_model_that_learns():
    model = nnx.Sequential(nn.Conv(1, 2, 3, rngs=nnx.Rngs(0)), nnx.relu, nn.StochasticPool(2, rngs=nnx.Rngs(1)))
    gradient = nnx.jit(nnx.grad(lambda model: model(positive(1, 6, 6, 1)).sum()))(model)
    assert jnp.abs(gradient["layers"][0]["kernel"][...]).max() > 0
    hash(nnx.split(model)[0])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": 0}, ValueError, r"^window must be"),
        ({"strides": 0}, ValueError, r"^strides must be"),
        ({"padding": -1}, ValueError, r"^padding must be"),
        ({"deterministic": "no"}, ValueError, r"^deterministic must be True or False, got 'no'$"),
        ({"rngs": 0}, TypeError, r"^rngs must be an nnx\.Rngs or nnx\.RngStream, .*; got int$"),
    ],
)
def test_the_constructor_refuses(options, error, message):
    with pytest.raises(error, match=message):
        nn.StochasticPool(**({"window": 2} | options))


def test_the_call_refuses():
    x = positive(1, 4, 4, 1)
    with pytest.raises(ValueError, match=r"^rngs must be given to the constructor or to the call, .*; got None"):
        nn.StochasticPool(2)(x)
    with pytest.raises(TypeError, match=r"^rngs must be an nnx\.Rngs"):
        nn.StochasticPool(2)(x, rngs=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^deterministic must be True or False, got 1$"):
        nn.StochasticPool(2)(x, deterministic=1)
