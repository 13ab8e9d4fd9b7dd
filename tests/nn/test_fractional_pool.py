"""nn.FractionalMaxPool: other windows at every call of training, the same ones in evaluation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape), jnp.float32)


run = nnx.jit(lambda layer, x: layer(x))


def test_training_draws_windows_and_evaluation_keeps_them():
    layer, x = nn.FractionalMaxPool(2, output_size=6, rngs=nnx.Rngs(0)), whole(1, 9, 9, 1)
    drawn = [run(layer, x) for _ in range(4)]
    assert any((y != drawn[0]).any() for y in drawn)
    np.testing.assert_array_equal(run(nn.FractionalMaxPool(2, output_size=6, rngs=nnx.Rngs(0)), x), drawn[0])
    layer.eval()
    first = run(layer, x)
    np.testing.assert_array_equal(run(layer, x), first)
    fixed = jax.jit(lambda x: F.fractional_max_pool(jax.random.key(0), x, 2, output_size=6))
    np.testing.assert_array_equal(first, fixed(x))


def test_is_its_function_under_a_key():
    x, key = whole(2, 9, 7, 2), jax.random.key(1)
    layer = nn.FractionalMaxPool((2, 1), output_ratio=0.7)
    function = functools.partial(F.fractional_max_pool, window=(2, 1), output_ratio=0.7)
    np.testing.assert_array_equal(*jax.jit(lambda key, x: (layer(x, rngs=key), function(key, x)))(key, x))


def test_shapes_and_pytree():
    layer = nn.FractionalMaxPool(2, output_size=(4, 5), data_format="channels_first", deterministic=True)
    assert jax.eval_shape(layer, jax.ShapeDtypeStruct((2, 2, 9, 7), jnp.float32)).shape == (2, 2, 4, 5)
    assert jax.eval_shape(layer, jax.ShapeDtypeStruct((2, 9, 7), jnp.float32)).shape == (2, 4, 5)
    line = nn.FractionalMaxPool(2, output_ratio=(0.5,), spatial_dims=1, deterministic=True)
    assert jax.eval_shape(line, jax.ShapeDtypeStruct((9, 7, 2), jnp.float32)).shape == (9, 3, 2)
    assert not jax.tree.leaves(layer)
    hash(nnx.split(nn.FractionalMaxPool(2, output_size=2, rngs=nnx.Rngs(0)))[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^output_size must be given or else output_ratio, one of them; got output_size=None"),
        ({"output_size": 2, "output_ratio": 0.5}, r"^output_size must be given or else output_ratio"),
        ({"output_size": 0}, r"^output_size must be an integer >= 1"),
        ({"output_size": (2, 2, 2)}, r"^output_size must be .*, which has 3$"),
        ({"output_ratio": 1.0}, r"^output_ratio must be above 0 and below 1, one number or 2; got 1\.0$"),
        ({"output_ratio": "half"}, r"^output_ratio must be above 0 and below 1, one number or 2; got 'half'$"),
        ({"output_ratio": (0.5,)}, r"^output_ratio must be above 0 and below 1, one number or 2; got \(0\.5,\)$"),
        ({"output_size": 2, "window": 0}, r"^window must be"),
        ({"output_size": 2, "data_format": "NCHW"}, r"^data_format must be one of"),
        ({"output_size": 2, "deterministic": None}, r"^deterministic must be True or False, got None$"),
    ],
)
def test_the_constructor_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        nn.FractionalMaxPool(**({"window": 2} | options))
