"""What a step may do beyond the mean cross-entropy, each against its formula or a plainer way to the same result."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import create_state, options, steps
from jaxcnn.training.chunks import completes_update
from jaxcnn.training.precision import compute_in

LOGITS = np.array([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3], [-3.0, 4.0, 0.0], [1.0, 1.0, 1.0]], np.float32)
LABELS = np.array([0, 2, 2, 1], np.int32)
PLAIN = optax.sgd(0.1)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.fixture
def fit(make_images, softmax):
    def call(model=None, count=22, **wanted):
        model = softmax(rngs=nnx.Rngs(0)) if model is None else model
        wanted = {"epochs": 2, "batch_size": 8, "optimizer": PLAIN, "progress": False, "seed": 4} | wanted
        return model, training.fit(model, make_images(count), **wanted)

    return call


class Watch(training.Callback):
    """The parameters after each step, and the last state."""

    every = 1

    def __init__(self):
        self.params, self.state = [], None

    def on_chunk_end(self, run):
        self.params.append(jax.device_get(jax.tree.leaves(run.state.params)))
        self.state = run.snapshot().arrays.state


def test_the_objective_is_smoothed_and_weighted():
    wanted = options.StepOptions(label_smoothing=0.3, class_weights=(0.5, 1.0, 4.0))
    targets = 0.7 * np.eye(3)[LABELS] + 0.3 / 3
    expected = -(targets * log_softmax(LOGITS)).sum(-1) * np.array([0.5, 4.0, 4.0, 1.0])
    np.testing.assert_allclose(steps.objective(jnp.asarray(LOGITS), LABELS, wanted), expected, rtol=1e-5)


def test_reported_losses_are_weighted_over_examples_in_training_and_plain_in_validation(fit, make_images, softmax):
    data, weights = make_images(20), (0.5, 1.0, 4.0)
    model, history = fit(
        count=20, epochs=1, optimizer=optax.sgd(0.0), class_weights=weights, label_smoothing=0.1, validation=data
    )
    images = data.images.reshape(20, -1) / 255
    logs = log_softmax(images @ np.asarray(model.dense.kernel[...]) + np.asarray(model.dense.bias[...]))
    targets = 0.9 * np.eye(3)[data.labels] + 0.1 / 3
    losses = -(targets * logs).sum(-1) * np.array(weights)[data.labels]
    assert history.loss[0] == pytest.approx(losses.sum() / 20, rel=1e-5)
    assert history.val_loss[0] == pytest.approx(-logs[np.arange(20), data.labels].mean(), rel=1e-5)


def test_the_average_follows_the_parameters_and_goes_to_the_model(fit, softmax):
    model, watch = softmax(rngs=nnx.Rngs(0)), Watch()
    average = jax.device_get(jax.tree.leaves(nnx.state(model, nnx.Param)))
    fit(model, ema=0.8, callbacks=[watch])
    for found in watch.params:
        average = [0.8 * mean + 0.2 * leaf for mean, leaf in zip(average, found, strict=True)]
    for leaf, mean in zip(jax.tree.leaves(nnx.state(model, nnx.Param)), average, strict=True):
        np.testing.assert_allclose(leaf, mean, rtol=1e-5, atol=1e-6)
    assert not np.allclose(watch.params[-1][1], average[1])  # the raw ones stay in the state
    np.testing.assert_array_equal(jax.tree.leaves(watch.state.params)[1], watch.params[-1][1])


@pytest.mark.parametrize(("size", "every"), [(4, 2), pytest.param(2, 4, marks=pytest.mark.slow)])
def test_accumulated_batches_equal_the_large_one_to_the_last_small_update(fit, arrays, size, every):
    scheduled = optax.inject_hyperparams(optax.adam)(optax.linear_schedule(0.05, 0.01, 6))
    large, history = fit(optimizer=scheduled)  # updates on 8, 8 and 6 examples
    watch = Watch()
    small, found = fit(
        optimizer=scheduled, batch_size=size, accumulate_steps=every, steps_per_execution=3, callbacks=[watch]
    )
    for path, array in arrays(large).items():
        np.testing.assert_allclose(arrays(small)[path], array, rtol=1e-4, atol=1e-5, err_msg=str(path))
    np.testing.assert_allclose(found.loss, history.loss, rtol=1e-5)
    assert int(watch.state.opt_state.count) == 6
    assert found.learning_rate == history.learning_rate == pytest.approx([0.05 - 2 * 0.04 / 6, 0.05 - 5 * 0.04 / 6])


def test_an_update_is_complete_after_so_many_batches_or_at_the_end_of_the_epoch():
    found = [bool(completes_update(start, 4, 22, 2)) for start in range(0, 20, 4)]
    assert found == [False, True, False, True, False]
    assert completes_update(np.int32(20), 2, 22, 2)


class TestComputeDtype:
    @pytest.mark.slow
    def test_layers_compute_in_it_and_everything_kept_is_float32(self, fit, make_images, stateful, arrays):
        seen = set()

        class Watched(stateful):
            def __call__(self, x):
                x = self.hidden(x.reshape(x.shape[0], -1))
                seen.add(("hidden", x.dtype))
                x = self.norm(x)
                seen.add(("norm", x.dtype))
                return self.dense(self.dropout(nnx.relu(x)))

        data, half = make_images(22, seed=1), jnp.dtype(jnp.bfloat16)
        model, history = fit(Watched(rngs=nnx.Rngs(0)), compute_dtype=half, validation=data)
        assert seen >= {("hidden", half), ("norm", half)}
        assert {array.dtype for array in arrays(model).values()} == {np.dtype(kind) for kind in ("float32", "uint32")}
        plain, expected = fit(stateful(rngs=nnx.Rngs(0)), validation=data)
        np.testing.assert_allclose(arrays(model)["norm", "mean"], arrays(plain)["norm", "mean"], rtol=0.05, atol=0.01)
        np.testing.assert_allclose(history.loss, expected.loss, rtol=0.05)
        same = training.evaluate(model, data, compute_dtype=half)
        assert same["loss"] == pytest.approx(history.val_loss[-1], rel=1e-6)
        assert same["loss"] != training.evaluate(model, data)["loss"]
        rows = training.predict(model, data.images, compute_dtype=half).sum(-1)
        np.testing.assert_allclose(rows, 1, rtol=1e-5)

    def test_a_named_dtype_is_kept_and_other_modules_are_cast(self):
        class Own(nnx.Module):
            def __init__(self, rngs):
                self.scale, self.steps = nnx.Param(jnp.ones(3)), nnx.Param(jnp.ones((), jnp.int32))
                self.wide = nnx.Linear(3, 3, dtype=jnp.float32, rngs=rngs)
                self.free = nnx.Linear(3, 3, rngs=rngs)

        model = Own(nnx.Rngs(0))
        compute_in(model, jnp.dtype(jnp.bfloat16))
        assert model.scale.dtype == jnp.bfloat16
        assert model.steps.dtype == jnp.int32
        assert model.wide(jnp.ones((1, 3), jnp.bfloat16)).dtype == jnp.float32
        assert model.free(jnp.ones((1, 3))).dtype == jnp.bfloat16
        assert model.free.kernel.dtype == jnp.float32


def test_no_option_adds_nothing_to_the_state(softmax):
    state = create_state(softmax(rngs=nnx.Rngs(0)), PLAIN)
    assert state.ema is state.pending is None


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"label_smoothing": 1.0}, r"label_smoothing must lie in 0\.\.1 and below 1, got 1\.0"),
        ({"ema": -0.1}, r"ema must lie in 0\.\.1 and below 1, got -0\.1"),
        ({"accumulate_steps": 0}, "accumulate_steps must be at least 1, got 0"),
        ({"class_weights": (1.0, 2.0)}, "class_weights must be one for each of the model's 3 classes, got 2"),
        ({"class_weights": (1.0, -2.0, 0.0)}, "class_weights must be finite, 0 or more and not all 0, got"),
        ({"compute_dtype": jnp.int8}, r"compute_dtype must be a floating dtype .*, got int8"),
        ({"compute_dtype": jnp.float64}, r"got float64; float64 needs jax_enable_x64"),
    ],
)
def test_wrong_values(fit, wanted, message):
    with pytest.raises(ValueError, match=message):
        fit(**wanted)


@pytest.mark.parametrize("kind", [list, np.array, jnp.array])
def test_class_weights_are_any_numbers_in_a_row(kind):
    assert options.check_class_weights(kind([0.5, 2.0]), 2) == (0.5, 2.0)


def test_wrong_types():
    with pytest.raises(TypeError, match=r"ema must be a number, got '0\.9' of type str"):
        options.check_fraction("ema", "0.9")
    with pytest.raises(
        TypeError, match="class_weights must be a sequence of 2 numbers or None, got dict; list them in the order"
    ):
        options.check_class_weights({0: 1.0, 1: 2.0}, 2)
    with pytest.raises(TypeError, match="class_weights must be a sequence of 2 numbers or None, got ndarray"):
        options.check_class_weights(np.array(2.0), 2)
    with pytest.raises(TypeError, match=r"compute_dtype must be a dtype such as jnp\.bfloat16, or None, got 'no'"):
        options.check_compute_dtype("no")
