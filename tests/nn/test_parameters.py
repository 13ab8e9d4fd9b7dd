"""What holds of every layer with parameters: dtypes, transformations, one image instead of a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import nn
from jaxcnn.nn.options import function
from jaxcnn.nn.parameters import streams

LAYERS = {
    "transpose": lambda **o: nn.ConvTranspose(2, 3, 2, strides=2, **o),
    "depthwise": lambda **o: nn.DepthwiseConv(2, 2, multiplier=2, **o),
    "separable": lambda **o: nn.SeparableConv(2, 3, 2, **o),
    "local": lambda **o: nn.LocalConv(2, 3, 2, input_shape=3, **o),
    "squeeze and excite": lambda **o: nn.SqueezeExcite(2, reduction=1, spatial_dims=2, **o),
}
EACH = pytest.mark.parametrize("create", LAYERS.values(), ids=LAYERS.keys())


def image(dtype=jnp.float32):
    return jnp.asarray(np.random.default_rng(0).integers(1, 4, (2, 3, 3, 2)), dtype)


@EACH
def test_compiled_differentiated_and_merged(create):
    layer, x = nnx.jit(lambda: create(rngs=nnx.Rngs(1)))(), image()
    y, one, gradient = jax.jit(lambda layer, x: (layer(x), layer(x[0]), jax.grad(lambda layer: layer(x).sum())(layer)))(
        layer, x
    )
    np.testing.assert_allclose(y, layer(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one, y[0], rtol=1e-5, atol=1e-6)
    assert isinstance(gradient, type(layer))
    leaves = jax.tree.leaves(nnx.state(gradient, nnx.Param))
    assert len(leaves) >= 2
    assert all(np.abs(leaf).max() > 0 for leaf in leaves)
    graphdef, state = nnx.split(layer)
    hash(graphdef)
    np.testing.assert_array_equal(nnx.merge(graphdef, state)(x), layer(x))


@EACH
@pytest.mark.parametrize("dtype", [None, "bfloat16", "float32"])
@pytest.mark.parametrize("param_dtype", ["float32", "bfloat16"])
def test_dtypes_are_flaxs(create, dtype, param_dtype):
    options = {"dtype": dtype, "param_dtype": param_dtype}
    layer = nnx.eval_shape(lambda: create(**options, rngs=nnx.Rngs(0)))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param))} == {param_dtype}
    for x_dtype in ("uint8", "float16", "float32"):
        x = jax.ShapeDtypeStruct((2, 3, 3, 2), x_dtype)
        ours = jax.eval_shape(lambda layer, x: layer(x), layer, x)
        flaxs = jax.eval_shape(lambda x: nnx.Conv(2, 3, (2, 2), **options, rngs=nnx.Rngs(0))(x), x)
        assert ours.dtype == flaxs.dtype


@EACH
def test_no_bias(create):
    layers = [nnx.eval_shape(lambda use=use: create(use_bias=use, rngs=nnx.Rngs(0))) for use in (True, False)]
    counts = [len(jax.tree.leaves(nnx.state(layer, nnx.Param))) for layer in layers]
    assert counts[1] < counts[0]
    shapes = [jax.eval_shape(lambda layer, x: layer(x), layer, image()).shape for layer in layers]
    assert shapes[0] == shapes[1]


@EACH
def test_what_is_no_array_is_refused(create):
    with pytest.raises(TypeError, match=r"^x must be an array of numbers, got"):
        nnx.eval_shape(lambda: create(rngs=nnx.Rngs(0)))(np.array(["cat"]))


def test_what_is_no_rngs_and_no_function_is_refused():
    for rngs, found in ((0, "int"), (None, "NoneType"), (jax.random.key(0), "PRNGKeyArray")):
        with pytest.raises(TypeError, match=rf"^rngs must be an nnx\.Rngs, such as nnx\.Rngs\(0\); got {found}$"):
            streams(rngs)
    with pytest.raises(TypeError, match=r"^an initializer must be a function, .*; got 'he'$"):
        function("an initializer", "he")
