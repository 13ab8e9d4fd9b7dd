"""The parameter counts that the lectures print, and what `create` refuses."""

import math
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import models
from jaxcnn.models.stages import dropout_layer

# (name, options): parameters. Lectures: 66,790, 203,068, 9,532, 197,210, 333,526, 104,202.
PARAMETERS = [
    ("mlp", {}, 66_790),
    ("mlp", {"hidden": 512}, 407_050),
    ("swish_cnn", {"pool": "none"}, 203_068),
    ("swish_cnn", {"pool": "max"}, 9_532),
    ("swish_cnn", {"pool": "avg"}, 9_532),
    ("swish_cnn", {"pool": "min"}, 9_532),
    ("swish_cnn", {"pool": "stride"}, 9_532),
    ("lenet5", {}, 61_706),
    ("lenet5", {"pool": "avg", "activation": nnx.tanh}, 61_706),
    ("lenet5", {"pool": "min"}, 61_706),
    ("lenet5", {"pool": "stride"}, 61_706),
    ("lenet5", {"pool": "none"}, 1_119_626),
    ("simple_cnn", {}, 197_210),
    ("simple_cnn", {"dropout": 0.5}, 197_210),
    ("simple_cnn", {"pool": "stride"}, 197_210),
    ("simple_cnn", {"pool": "none"}, 785_210),
    ("fashion_cnn", {}, 333_526),
    ("fashion_cnn", {"pool": "none"}, 5_037_526),
    ("convnet", {"pool": "max"}, 104_202),
    ("convnet", {"pool": "avg"}, 104_202),
    ("convnet", {"pool": "min"}, 104_202),
    ("convnet", {"pool": "stride"}, 113_162),
    ("convnet", {"pool": "none"}, 712_202),
]


@pytest.mark.parametrize(("name", "options", "parameters"), PARAMETERS)
def test_parameters_and_logits(name, options, parameters):
    model = nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **options))
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))) == parameters
    graphdef, state = nnx.split(model)
    images = jax.ShapeDtypeStruct((2, 28, 28, 1), jnp.float32)
    logits = jax.eval_shape(lambda state, x: nnx.merge(graphdef, state)(x), state, images)
    assert logits.shape == (2, 10)
    assert logits.dtype == jnp.float32


def test_colour_images_and_other_classes():
    def logits():
        model = models.create("lenet5", input_shape=(32, 32, 3), num_classes=7, rngs=nnx.Rngs(0))
        return model(jnp.zeros((2, 32, 32, 3)))

    assert nnx.eval_shape(logits).shape == (2, 7)


def test_pickled_with_its_activation():
    model = models.create("lenet5", input_shape=(12, 12, 1), rngs=nnx.Rngs(0))
    (graphdef, state), (theirs, values) = nnx.split(model), nnx.split(pickle.loads(pickle.dumps(model)))
    assert graphdef == theirs
    chex.assert_trees_all_equal(nnx.to_pure_dict(state), nnx.to_pure_dict(values))


def test_initial_values_are_kerass():
    model = models.create("convnet", rngs=nnx.Rngs(0))
    bound = (6 / (9 * 32 + 9 * 64)) ** 0.5
    kernel = model.conv2.kernel[...]
    assert 0.99 * bound < jnp.abs(kernel).max() <= bound
    assert not model.conv2.bias[...].any()
    assert not model.dense.bias[...].any()


def test_one_program_draws_what_the_class_draws_and_leaves_the_streams_as_it_does():
    ours, theirs = nnx.Rngs(3), nnx.Rngs(3)
    for _ in range(2):
        model = models.create("mlp", input_shape=(2, 2, 1), hidden=3, rngs=ours)
        other = models.MODELS["mlp"]((2, 2, 1), 10, hidden=3, rngs=theirs)
        chex.assert_trees_all_equal(nnx.to_pure_dict(nnx.state(model)), nnx.to_pure_dict(nnx.state(other)))
    assert ours.params() == theirs.params()


def test_equal_options_of_other_types_make_models_of_their_own():
    models.create("mlp", hidden=1, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="hidden must be an integer"):
        models.create("mlp", hidden=True, rngs=nnx.Rngs(0))


def test_dropout_drops_in_training_alone():
    model = models.create("simple_cnn", input_shape=(4, 4, 1), dropout=0.5, rngs=nnx.Rngs(0))
    run, images = nnx.jit(lambda model, images: model(images)), jnp.ones((1, 4, 4, 1))
    assert (run(model, images) != run(model, images)).any()
    model.eval()
    assert (run(model, images) == run(model, images)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "resnet"},
            "name must be one of convnet, fashion_cnn, lenet5, mlp, simple_cnn, swish_cnn; got 'resnet'",
        ),
        ({"name": "convnet", "pol": "max"}, "got pol, and convnet takes pool"),
        ({"name": "mlp", "pool": "max"}, "got pool, and mlp takes hidden"),
        ({"name": "convnet", "pool": "mean"}, "pool must be one of max, avg, min, stride, none; got 'mean'"),
        ({"name": "convnet", "input_shape": (4, 4, 1)}, "window must fit into the padded input"),
        ({"name": "convnet", "input_shape": (28, 28)}, "input_shape must be"),
        ({"name": "convnet", "num_classes": 0}, "num_classes must be an integer of at least 1, got 0"),
        ({"name": "convnet", "input_shape": None}, "input_shape must be (height, width"),
        ({"name": "convnet", "input_shape": np.int64(28)}, "input_shape must be (height, width"),
        ({"name": "simple_cnn", "dropout": 1.0}, "dropout must be a fraction of at least 0 and below 1"),
    ],
)
def test_refuses(arguments, message):
    arguments = dict(arguments)
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        models.create(arguments.pop("name"), rngs=nnx.Rngs(0), **arguments)


@pytest.mark.parametrize("rate", ["0.5", None, math.nan, 1])
def test_refuses_what_is_no_rate(rate):
    with pytest.raises(ValueError, match=f"dropout must be a fraction of at least 0 and below 1, got {rate!r}"):
        dropout_layer(rate, nnx.Rngs(0))
