import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.data.augment import random_crop
from jaxcnn.data.stream import stream
from jaxcnn.training.examples import Examples
from jaxcnn.training.fit_stream import fit_stream


def shifted(key, images):
    return jnp.roll(images, jax.random.randint(key, (), -1, 2), axis=1)


def cropped(key, images):
    return random_crop(key, images, size=(4, 8))


def unchanged(key, images):
    return images


@functools.partial(jax.jit, static_argnames="augment")
def step_by_hand(state, position, images, labels, augment):
    images = augment(jax.random.fold_in(jax.random.key(0), position), images)
    return training.train_step(state, Examples(images, labels))


def by_hand(model, batches, optimizer, augment):
    """The same steps one by one, each compiled in the plainest way; the mean loss of all."""
    state, total, seen = training.create_state(model, optimizer), 0.0, 0
    for position, (images, labels) in batches:
        state, metrics = step_by_hand(state, position, images, labels, augment)
        total, seen = total + float(metrics.loss), seen + len(labels)
    nnx.update(model, state.params, state.other)
    return total / seen


def streamed(data, **options):
    return stream(data, **{"batch_size": 8, "seed": 0, "epochs": 2, **options})


@pytest.mark.parametrize("augment", [pytest.param(None, marks=pytest.mark.slow), shifted])
def test_equals_the_same_steps_by_hand_with_the_last_small_batch(make_images, stateful, arrays, augment, rmsprop):
    model, plain = stateful(rngs=nnx.Rngs(0)), stateful(rngs=nnx.Rngs(0))
    history = fit_stream(
        model, streamed(make_images(20)), optimizer=rmsprop, augment=augment, validation=make_images(9), progress=False
    )
    batches = list(enumerate(streamed(make_images(20))))
    assert [len(labels) for _, (_, labels) in batches] == [8, 8, 4] * 2
    expected = by_hand(plain, batches, rmsprop, augment or unchanged)
    for path, array in arrays(plain).items():
        np.testing.assert_allclose(arrays(model)[path], array, rtol=1e-4, atol=1e-5, err_msg=str(path))
    np.testing.assert_allclose(np.mean(history.loss), expected, rtol=1e-4)
    assert history.val_loss[-1] == pytest.approx(training.evaluate(model, make_images(9))["loss"], rel=1e-5)
    assert len(history.seconds) == len(history.val_accuracy) == 2


@pytest.mark.slow
def test_options_are_those_of_fit(make_images, softmax, arrays, sgd):
    def train(batch_size, accumulate_steps):
        model = softmax(rngs=nnx.Rngs(0))
        batches = streamed(make_images(22), batch_size=batch_size)
        history = fit_stream(
            model,
            batches,
            optimizer=sgd,
            label_smoothing=0.1,
            class_weights=(1, 2, 3),
            ema=0.5,
            accumulate_steps=accumulate_steps,
            progress=False,
        )
        return arrays(model), history.loss

    (large, losses), (small, same) = train(8, 1), train(4, 2)  # updates on 8, 8 and 6 examples
    np.testing.assert_allclose(same, losses, rtol=1e-4)
    for path, array in large.items():
        np.testing.assert_allclose(small[path], array, rtol=1e-4, atol=1e-5, err_msg=str(path))


@pytest.mark.slow
def test_learns_what_there_is_to_learn(make_images, convolutional):
    model = convolutional(rngs=nnx.Rngs(0))
    batches = streamed(make_images(96), batch_size=16, epochs=8)
    history = fit_stream(model, batches, optimizer=optax.adam(3e-2), validation=make_images(40, seed=1), progress=False)
    assert history.loss[-1] < history.loss[0] / 2
    assert history.val_accuracy[-1] > 0.9


def test_a_stream_within_an_epoch_is_read_to_its_end_first(make_images, stateful, arrays, rmsprop):
    data, counts = make_images(20), []
    one, other = stateful(rngs=nnx.Rngs(0)), stateful(rngs=nnx.Rngs(0))
    for model, prefetch in ((one, 2), (other, 0)):
        batches = streamed(data)
        next(batches)
        resumed = streamed(data, prefetch=prefetch, state=batches.state())
        batches.close()
        history = fit_stream(model, resumed, optimizer=rmsprop, augment=shifted, progress=False)
        counts.append((len(history.loss), resumed.position))
    assert counts == [(2, 6), (2, 6)]
    np.testing.assert_equal(arrays(one), arrays(other))
    plain = stateful(rngs=nnx.Rngs(0))
    by_hand(plain, list(enumerate(streamed(data)))[1:], rmsprop, shifted)
    np.testing.assert_allclose(arrays(one)["dense", "kernel"], arrays(plain)["dense", "kernel"], rtol=1e-4, atol=1e-5)


def test_epochs_may_be_fewer_than_the_stream_has(make_images, softmax, sgd):
    batches = streamed(make_images(20), epochs=None)
    model = softmax(rngs=nnx.Rngs(0))
    with batches:
        assert len(fit_stream(model, batches, epochs=1, optimizer=sgd, progress=False).loss) == 1
        assert len(fit_stream(model, batches, epochs=2, optimizer=sgd, progress=False).loss) == 2
        assert batches.position == 9
        assert fit_stream(model, batches, epochs=0, optimizer=sgd) == training.History()


@pytest.mark.slow
def test_augmentation_may_change_the_size(make_images, stateful, sgd):
    class Halved(nnx.Module):
        def __init__(self, *, rngs):
            self.dense = nnx.Linear(32, 3, rngs=rngs)

        def __call__(self, x):
            return self.dense(x.reshape(x.shape[0], -1))

    data = make_images(8)
    halves = data._replace(images=data.images[:, :4])
    options = {"optimizer": sgd, "augment": cropped, "progress": False}
    assert fit_stream(Halved(rngs=nnx.Rngs(0)), streamed(data), validation=halves, **options).val_loss
    with pytest.raises(ValueError, match=r"^validation.images must have the shape of train.images, \(4, 8, 1\)"):
        fit_stream(Halved(rngs=nnx.Rngs(0)), streamed(data), validation=data, **options)


def test_broken_training_leaves_the_last_good_epoch(make_images, softmax, arrays):
    breaks_at_step_4 = optax.sgd(lambda count: jnp.where(count >= 4, jnp.inf, 0.1))  # 3 steps an epoch
    model, good = softmax(rngs=nnx.Rngs(0)), softmax(rngs=nnx.Rngs(0))
    fit_stream(good, streamed(make_images(24), epochs=1), optimizer=breaks_at_step_4, progress=False)
    with pytest.raises(FloatingPointError, match=r"became nan in epoch 2, batch 3 of 3 \(step 6\); the model keeps"):
        fit_stream(model, streamed(make_images(24), epochs=3), optimizer=breaks_at_step_4, progress=False)
    np.testing.assert_equal(arrays(model), arrays(good))


def test_a_label_without_an_output_is_found_before_its_step(make_images, softmax, arrays, sgd):
    data = make_images(24)
    data.labels[5] = 3
    model = softmax(rngs=nnx.Rngs(0))
    before = arrays(model)
    message = r"^\(batch \d of the stream\).labels must lie in 0..2 for a model of 3 classes, got 3 at index \d"
    with pytest.raises(ValueError, match=message):
        fit_stream(model, streamed(data), optimizer=sgd, progress=False)
    np.testing.assert_equal(arrays(model), before)


def test_lines_tell_of_each_epoch(make_images, softmax, capfd, sgd):
    fit_stream(softmax(rngs=nnx.Rngs(0)), streamed(make_images(20)), optimizer=sgd)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]


class Named(tuple):
    """Examples that name five classes."""

    images, labels = property(lambda self: self[0]), property(lambda self: self[1])
    class_names = tuple("abcde")


class TestBadInput:
    @pytest.fixture
    def fit(self, make_images, softmax, monkeypatch, sgd):
        def compiled(*args, **options):
            pytest.fail("compiled before the arguments were checked")

        monkeypatch.setattr(importlib.import_module("jaxcnn.training.stream_programs"), "Program", compiled)

        def call(batches=None, model=None, **options):
            batches = streamed(make_images(20)) if batches is None else batches
            model = softmax(rngs=nnx.Rngs(0)) if model is None else model
            return fit_stream(model, batches, **{"optimizer": sgd, "progress": False, **options})

        return call

    def test_stream(self, fit, make_images):
        with pytest.raises(ValueError, match=r"^epochs must be given for a stream without end, got None; pass epochs"):
            fit(streamed(make_images(20), epochs=None))
        with pytest.raises(ValueError, match=r"^epochs must be at most the 2 that the stream has left, got 3"):
            fit(epochs=3)
        with pytest.raises(ValueError, match=r"^epochs must be at least 0, got -1"):
            fit(epochs=-1)
        ended = streamed(make_images(20))
        ended.seek(6)
        with pytest.raises(ValueError, match=r"^the stream must have batches left, .* position 6; begin another, or"):
            fit(ended)

    def test_classes(self, fit, make_images):
        with pytest.raises(ValueError, match=r"^the model must have an output for each class of the stream, 5, got 3"):
            fit(streamed(Named(make_images(20))))

    def test_validation(self, fit, make_images):
        data = make_images(4)
        with pytest.raises(ValueError, match=r"^validation.labels must lie in 0..2"):
            fit(validation=data._replace(labels=data.labels + 3))

    def test_seed(self, fit):
        with pytest.raises(ValueError, match=r"^seed must be in"):
            fit(seed=-1)

    def test_augment(self, fit):
        with pytest.raises(ValueError, match=r"^augment must return images \(n, h, w, c\), as many as it gets, got .*"):
            fit(augment=lambda key, images: images[0])
        with pytest.raises(ValueError, match=r"^the model Softmax fails on images of shape \(8, 4, 8, 1\)"):
            fit(augment=cropped)
