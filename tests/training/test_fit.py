import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training.chunks import epoch_order


def softmax_rows(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def numpy_fit(weights, bias, data, *, epochs, batch_size, rate, seed):
    """Plain gradient descent on softmax regression, in the order that fit draws."""
    images, losses, accuracies = data.images.reshape(len(data.labels), -1) / 255.0, [], []
    for epoch in range(epochs):
        order = np.asarray(epoch_order(jax.random.key(seed), np.int32(epoch), examples=len(images)))
        loss, correct = 0.0, 0
        for start in range(0, len(images), batch_size):
            rows = order[start : start + batch_size]
            x, y = images[rows], data.labels[rows]
            p = softmax_rows(x @ weights + bias)
            loss -= np.log(p[np.arange(len(y)), y]).sum()
            correct += (p.argmax(-1) == y).sum()
            error = (p - np.eye(p.shape[-1])[y]) / len(y)
            weights, bias = weights - rate * x.T @ error, bias - rate * error.sum(0)
        losses.append(loss / len(images))
        accuracies.append(correct / len(images))
    return weights, bias, losses, accuracies


def test_follows_gradient_descent_in_numpy_last_small_batch_included(make_images, softmax, sgd):
    model, data = softmax(rngs=nnx.Rngs(0)), make_images(20)
    start = np.asarray(model.dense.kernel[...], np.float64), np.asarray(model.dense.bias[...], np.float64)
    history = training.fit(model, data, epochs=3, batch_size=8, optimizer=sgd, seed=5, progress=False)
    weights, bias, losses, accuracies = numpy_fit(*start, data, epochs=3, batch_size=8, rate=0.5, seed=5)
    np.testing.assert_allclose(model.dense.kernel[...], weights, atol=1e-5)
    np.testing.assert_allclose(model.dense.bias[...], bias, atol=1e-5)
    np.testing.assert_allclose(history.loss, losses, atol=1e-5)
    np.testing.assert_allclose(history.accuracy, accuracies, atol=1e-6)
    assert len(history.seconds) == 3
    assert history.val_loss == history.val_accuracy == []


def test_learns_what_there_is_to_learn(make_images, convolutional):
    model = convolutional(rngs=nnx.Rngs(0))
    optimizer = optax.adam(3e-2)
    history = training.fit(
        model,
        make_images(96),
        validation=make_images(40, seed=1),
        epochs=8,
        batch_size=16,
        optimizer=optimizer,
        progress=False,
    )
    assert history.loss[-1] < history.loss[0] / 2
    assert history.val_accuracy[-1] > 0.9
    assert history.val_loss[-1] == pytest.approx(training.evaluate(model, make_images(40, seed=1))["loss"], rel=1e-5)


@pytest.fixture
def run(make_images, stateful, arrays, rmsprop):
    """The final arrays and the history of one fit of 3 epochs of 3 batches, the last of them smaller."""

    def fit(seed=0, steps_per_execution=32):
        model = stateful(rngs=nnx.Rngs(3))
        history = training.fit(
            model,
            make_images(20),
            epochs=3,
            batch_size=8,
            optimizer=rmsprop,
            seed=seed,
            steps_per_execution=steps_per_execution,
            progress=False,
        )
        return arrays(model), (history.loss, history.accuracy)

    return fit


def assert_same_bits(left, right):
    assert left[1] == right[1]
    assert left[0].keys() == right[0].keys()
    for path, array in left[0].items():
        np.testing.assert_array_equal(array, right[0][path], err_msg=str(path))


def test_same_seed_gives_the_same_bits(run):
    assert_same_bits(run(), run())


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_chunks_change_no_bit(run, steps_per_execution):
    assert_same_bits(run(), run(steps_per_execution=steps_per_execution))


def test_another_seed_shuffles_anew(run):
    assert run()[1] != run(seed=1)[1]


def test_statistics_and_dropout_counts_move(make_images, stateful, arrays, rmsprop):
    model = stateful(rngs=nnx.Rngs(0))
    before = arrays(model)
    training.fit(model, make_images(20), epochs=1, batch_size=8, optimizer=rmsprop, progress=False)
    after = arrays(model)
    assert not np.allclose(before["norm", "mean"], after["norm", "mean"])
    assert not np.allclose(before["norm", "var"], after["norm", "var"])
    assert after["dropout", "rngs", "count"] == before["dropout", "rngs", "count"] + 3


def test_modes_are_put_back_as_found(make_images, stateful, sgd):
    model = stateful(rngs=nnx.Rngs(0))
    model.dropout.deterministic = True
    found = nnx.graphdef(model)
    training.fit(model, make_images(8), epochs=1, optimizer=sgd, progress=False)
    assert nnx.graphdef(model) == found


def test_no_epochs_leave_the_model_as_it_is(make_images, softmax, arrays, sgd):
    model = softmax(rngs=nnx.Rngs(0))
    before = arrays(model)
    assert training.fit(model, make_images(5), epochs=0, optimizer=sgd) == training.History()
    np.testing.assert_equal(arrays(model), before)


def test_a_batch_larger_than_the_set_is_the_set(make_images, softmax, sgd):
    histories = [
        training.fit(
            softmax(rngs=nnx.Rngs(0)),
            make_images(8),
            epochs=2,
            batch_size=size,
            optimizer=sgd,
            progress=False,
        )
        for size in (8, 1000)
    ]
    assert histories[0].loss == histories[1].loss


@pytest.mark.parametrize("dtype", [pytest.param(np.uint8, marks=pytest.mark.slow), np.float64])
def test_trains_with_64_bits_enabled(make_images, stateful, softmax, x64, dtype):
    model = softmax(rngs=nnx.Rngs(0)) if dtype == np.float64 else stateful(dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    data = make_images(16, dtype=dtype)
    data = data._replace(labels=data.labels.astype(np.int64))
    history = training.fit(
        model, data, validation=data, epochs=2, batch_size=8, optimizer=optax.adam(1e-2), progress=False
    )
    assert np.isfinite(history.val_loss).all()
    assert model.dense.kernel.dtype == jnp.float32
    assert training.predict(model, data.images).dtype == jnp.float32


def test_takes_raw_arrays_and_a_model_without_other_state(make_images, softmax, sgd):
    class Centred(softmax):
        def __init__(self, *, rngs):
            super().__init__(rngs=rngs)
            self.mean = nnx.data(jnp.full((8, 8, 1), 0.2))

        def __call__(self, x):
            return super().__call__(x - self.mean[None])

    model, data = Centred(rngs=nnx.Rngs(0)), make_images(8, dtype=np.float32)
    history = training.fit(model, data, epochs=2, optimizer=sgd, progress=False)
    assert history.loss[1] < history.loss[0]
