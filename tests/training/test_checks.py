"""Wrong input: one sentence each, before anything compiles."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import checks


@pytest.fixture
def fit(make_images, softmax):
    def call(data=None, **options):
        options = {"epochs": 1, "optimizer": optax.sgd(0.1), "model": softmax(rngs=nnx.Rngs(0))} | options
        return training.fit(options.pop("model"), data or make_images(6), **options)

    return call


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": -1}, "epochs must be at least 0, got -1"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"steps_per_execution": 0}, "steps_per_execution must be at least 1, got 0"),
        ({"seed": -3}, r"seed must be in 0\.\.4294967295, got -3"),
    ],
)
def test_counts(fit, options, message):
    with pytest.raises(ValueError, match=message):
        fit(**options)


@pytest.mark.parametrize("value", [1.0, True, "3", None])
def test_counts_are_integers(value):
    with pytest.raises(TypeError, match="epochs must be an integer, got"):
        checks.check_integer("epochs", value, minimum=0)
    assert checks.check_integer("epochs", np.int64(3), minimum=0) == 3


def test_optimizer_model_and_dataset_types():
    with pytest.raises(TypeError, match=r"optax\.GradientTransformation such as optax\.adam\(1e-3\), got str"):
        checks.check_optimizer("adam")
    with pytest.raises(TypeError, match=r"got MultiSteps; fit accumulates gradients by accumulate_steps$"):
        checks.check_optimizer(optax.MultiSteps(optax.sgd(0.1), 2))
    with pytest.raises(TypeError, match=r"model must be a flax\.nnx\.Module that returns logits, got function"):
        checks.check_model(lambda x: x)
    with pytest.raises(
        TypeError, match=r"train must have .* got tuple; wrap arrays as training\.Examples\(images, lab"
    ):
        checks.check_examples("train", (1, 2))
    with pytest.raises(ValueError, match=r"train\.labels must be one integer for each image, got rows of several len"):
        checks.check_examples("train", training.Examples(np.zeros((2, 1, 1, 1), np.uint8), [[1], [1, 2]]))


def test_unhashable_attributes_of_a_model(softmax):
    model = softmax(rngs=nnx.Rngs(0))
    model.options = {1, 2}
    with pytest.raises(TypeError, match=r"static attributes of Softmax must be hashable.*'set'"):
        checks.check_model(model)


UINT8 = np.zeros((4, 8, 8, 1), np.uint8)
FLOAT = np.linspace(0, 255, 256, dtype=np.float32).reshape(4, 8, 8, 1)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            UINT8[..., 0],
            r"train\.images must be a non-empty array .*, got shape \(4, 8, 8\); .* gray .* images\[\.\.\., None\]$",
        ),
        ([UINT8[0], UINT8[0, :4]], r"train\.images must be an array of images of one shape, got several; resize them"),
        (UINT8[:0], r"non-empty array .*, got shape \(0, 8, 8, 1\)"),
        (UINT8.astype(np.int64), "must be uint8 in 0..255 or floating and scaled, got dtype int64"),
        (UINT8.astype(bool), "got dtype bool"),
        (FLOAT, "are floats from 0 to 255, but float images must be scaled already: pass uint8, .* or divide by 255"),
        (jnp.asarray(FLOAT, jnp.bfloat16), "must be scaled already"),
        (np.where(FLOAT == 7, np.nan, FLOAT), "must be finite, got values from nan to nan"),
        (np.where(FLOAT == 7, -np.inf, FLOAT), "must be finite, got values from -inf to 255.0"),
    ],
)
def test_images(fit, images, message):
    with pytest.raises(ValueError, match=message):
        fit(types.SimpleNamespace(images=images, labels=np.zeros(len(images), int)))


def test_a_set_in_place_of_its_images(make_images):
    with pytest.raises(TypeError, match=r"images must be an array, got Images; pass its \.images"):
        checks.check_images("images", make_images(2))


def test_standardised_floats_pass():
    assert checks.check_images("images", FLOAT - 127.5).dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.zeros(4),
            r"train\.labels must be integers, class indices from 0 on, got dtype float64; .* \.astype\(int\)",
        ),
        (np.eye(4), r"got dtype float64; .* one-hot rows with \.argmax\(-1\)"),
        (np.zeros(3, int), r"train\.labels must be one for each image, of shape \(4,\), got shape \(3,\)"),
        (np.zeros((4, 1), int), r"got shape \(4, 1\); take a column as labels\[:, 0\]"),
        (np.array([0, 2, 1, 3]), r"must lie in 0\.\.2 for a model of 3 classes, got 3 at index 3; recode the labels"),
        (np.array([0, -1, 1, 3]), "got -1 at index 1"),
        (np.array([0, 1, 2, 2**32], np.uint64), "got 4294967296 at index 3"),
    ],
)
def test_labels(fit, softmax, labels, message):
    data = types.SimpleNamespace(images=UINT8, labels=labels)
    with pytest.raises(ValueError, match=message):
        fit(data)
    with pytest.raises(ValueError, match=message.replace("train", "dataset")):
        training.evaluate(softmax(rngs=nnx.Rngs(0)), data)


def test_validation_set(fit):
    with pytest.raises(ValueError, match=r"validation\.images .* \(8, 8, 1\) an image, got \(4, 8, 1\); resize"):
        fit(validation=types.SimpleNamespace(images=UINT8[:, :4], labels=np.zeros(4, int)))
    with pytest.raises(ValueError, match=r"validation\.labels must lie in 0\.\.2 .* got 9 at index 0"):
        fit(validation=types.SimpleNamespace(images=UINT8, labels=np.full(4, 9)))


def test_model_that_does_not_take_the_images(fit, softmax):
    data = types.SimpleNamespace(images=UINT8[:, :7], labels=np.zeros(4, int))
    with pytest.raises(
        ValueError, match=r"model Softmax fails on images of shape \(4, 7, 8, 1\): .*got \(56,\) and \(64,\)"
    ):
        fit(data)
    with pytest.raises(ValueError, match=r"fails on images of shape \(4, 7, 8, 1\)"):
        training.predict(softmax(rngs=nnx.Rngs(0)), data.images)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda x: x, r"logits of shape \(batch, classes\), got float32 of shape \(6, 8, 8, 1\)"),
        (lambda x: x.reshape(-1, 8), r"got float32 of shape \(48, 8\) for a batch of 6"),
        (lambda x: x.reshape(6, -1).argmax(-1, keepdims=True), "floating logits"),
        (lambda x: (x, x), "one array of logits, got a tuple"),
    ],
)
def test_model_that_returns_no_logits(fit, output, message):
    class Other(nnx.Module):
        def __call__(self, x):
            return output(x)

    with pytest.raises(ValueError, match=message):
        fit(model=Other())


def test_model_whose_state_changes_its_type(fit, softmax):
    class Widening(softmax):
        def __init__(self, *, rngs):
            super().__init__(rngs=rngs)
            self.calls = nnx.BatchStat(jnp.zeros((), jnp.int32))

        def __call__(self, x):
            self.calls[...] = self.calls[...] + 1
            self.calls.set_value(self.calls[...] + 0.5)
            return super().__call__(x)

    with pytest.raises(ValueError, match=r"keep the shapes and dtypes .*calls.* from int32\(\) to float32\(\)"):
        fit(model=Widening(rngs=nnx.Rngs(0)))


def test_model_without_values(fit, softmax):
    shapes = nnx.eval_shape(lambda: softmax(rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"must hold values, but \['dense'\]\['bias'\].* is a shape .* training\.load"):
        fit(model=shapes)
    with pytest.raises(ValueError, match="must hold values"):
        training.predict(shapes, UINT8)


def test_model_with_parameters_that_have_no_gradient(fit, softmax):
    model = softmax(rngs=nnx.Rngs(0))
    model.calls = nnx.Param(jnp.zeros((), jnp.int32))
    with pytest.raises(ValueError, match=r"floating or complex, .* \['calls'\].* is int32; make it an nnx\.Variable"):
        fit(model=model)


def test_without_jit_training_is_refused(fit):
    with (
        jax.disable_jit(),
        pytest.raises(ValueError, match=r"jax_disable_jit must be off .*, got True; .* training\.train_step"),
    ):
        fit()


@pytest.mark.slow
def test_without_jit_a_step_can_be_looked_into(make_images, softmax):
    with jax.disable_jit():
        state = training.create_state(softmax(rngs=nnx.Rngs(0)), optax.sgd(0.1))
        state, _ = training.train_step(state, training.Examples(*map(jnp.asarray, make_images(2))))
    assert int(state.step) == 1
