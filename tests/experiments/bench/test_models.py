"""The lists of layers are the models: built by plain Flax they have the published parameters, counted by hand too."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from experiments.bench.cases import model_work
from experiments.bench.counts import layers_of
from experiments.bench.models import lecture_models
from experiments.peers.flax_worker import Model
from jaxcnn.analysis import count_params

PARAMETERS = {
    "swish_cnn max": 9_532,
    "swish_cnn none": 203_068,
    "lenet5": 61_706,
    "simple_cnn": 197_210,
    "fashion_cnn": 333_526,
    "convnet max": 104_202,
    "convnet none": 712_202,
    "mlp": 66_790,
}


@pytest.mark.parametrize("entry", lecture_models(), ids=lambda entry: entry.label)
def test_layers_are_the_model(entry):
    case = model_work("step", entry, 2)
    flax = nnx.eval_shape(lambda: Model(case, nnx.Rngs(0)))
    assert count_params(flax) == layers_of(case).trainable_params == PARAMETERS[entry.label]
    image = jax.ShapeDtypeStruct((2, 28, 28, 1), jnp.float32)
    assert nnx.eval_shape(lambda model, x: model(x), flax, image).shape == (2, 10)


def test_every_lecture_model_takes_part():
    assert [entry.label for entry in lecture_models()] == list(PARAMETERS)
