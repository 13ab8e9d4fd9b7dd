"""Groups of batches, read ahead of the steps: no batch is lost, and no result changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.data.stream import stream
from jaxcnn.training.call import check_options
from jaxcnn.training.checks import check_examples
from jaxcnn.training.stream_call import GROUP_BYTES, check_stream_call


class Batches:
    """A stream of one's own: the set from front to end, in batches of 8."""

    batch_size, image_shape, dtype, class_names = 8, (8, 8, 1), np.dtype(np.uint8), None

    def __init__(self, data, epochs=2, fails_at=None):
        self.data, self.examples, self.epochs = data, len(data.labels), epochs
        self.position, self.fails_at = 0, fails_at

    def __next__(self):
        if self.position == self.fails_at:
            raise OSError("the disk is gone")
        start = self.position % -(-self.examples // 8) * 8
        self.position += 1
        return self.data.images[start : start + 8], self.data.labels[start : start + 8]


class Seekable(Batches):
    """The same, which may be read ahead of."""

    def seek(self, position):
        self.position = position

    def state(self):
        return {"position": self.position}


class Watch(training.Callback):
    """Notes where the run and the stream stand, and acts at one step."""

    def __init__(self, batches, every=None, step=None, act=None):
        self.batches, self.every, self.step, self.act = batches, every, step, act
        self.places = []

    def on_chunk_end(self, run):
        self.places.append((run.step, self.batches.position))
        if run.step == self.step:
            self.act(run)

    def on_epoch_end(self, run, row):
        self.places.append("epoch")


@pytest.fixture
def fit(softmax, arrays, sgd):
    def call(batches, **options):
        model = softmax(rngs=nnx.Rngs(0))
        try:
            training.fit_stream(model, batches, **{"optimizer": sgd, "progress": False, **options})
        finally:
            call.model = arrays(model)
        return call.model

    return call


def test_neither_groups_nor_what_watches_change_a_bit(make_images, fit):
    data = make_images(60)  # seven batches of 8, and one of 4
    wanted = fit(stream(data, batch_size=8, seed=0, epochs=2), steps_per_execution=1)
    for steps in (3, 32):
        batches = stream(data, batch_size=8, seed=0, epochs=2)
        watch = Watch(batches, every=2)
        np.testing.assert_equal(fit(batches, steps_per_execution=steps, callbacks=[watch]), wanted)
        assert [each[0] for each in watch.places if each != "epoch"] == sorted(
            {*range(2, 17, 2), 7, 15} | {8 * epoch + at for epoch in (0, 1) for at in range(steps, 8, steps)}
        )


def test_a_stream_of_ones_own_is_never_read_ahead_of_unless_it_can_be_put_back(make_images, fit):
    plain, seekable = Batches(make_images(20)), Seekable(make_images(20))
    first, second = Watch(plain), Watch(seekable)
    options = {"steps_per_execution": 1}
    np.testing.assert_equal(fit(plain, callbacks=[first], **options), fit(seekable, callbacks=[second], **options))
    assert first.places == [(1, 1), (2, 2), (3, 3), "epoch", (4, 4), (5, 5), (6, 6), "epoch"]
    assert second.places == [(1, 2), (2, 3), (3, 4), "epoch", (4, 5), (5, 6), (6, 6), "epoch"]


@pytest.mark.parametrize("step", [2, 3])  # within an epoch, and at its end
def test_batches_that_were_read_ahead_are_still_there(make_images, fit, step):
    def interrupt(run):
        raise KeyboardInterrupt

    data = make_images(20)
    batches = stream(data, batch_size=8, seed=0, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        fit(batches, steps_per_execution=2, callbacks=[Watch(batches, step=step, act=interrupt)])
    assert batches.position == step
    stop = Watch(batches, every=1, step=step % 3 + 1, act=lambda run: run.stop("enough"))
    fit(batches, epochs=1, callbacks=[stop])
    assert batches.position == step + 1
    whole = stream(data, batch_size=8, seed=0, epochs=2)
    labels = [np.asarray(next(whole).labels) for _ in range(6)]
    np.testing.assert_array_equal(np.asarray(next(batches).labels), labels[step + 1])


def test_a_stream_is_put_at_any_of_its_batches_and_no_other(make_images):
    batches = stream(make_images(20), batch_size=8, seed=0, epochs=2)
    wanted = [np.asarray(batch.labels) for batch in batches]
    batches.seek(4)
    np.testing.assert_equal([np.asarray(batch.labels) for batch in batches], wanted[4:])
    for position, sentence in ((7, "at most 6, where the stream ends, got 7"), (-1, "an integer of at least 0")):
        with pytest.raises(ValueError, match=f"^position must be {sentence}"):
            batches.seek(position)


def test_three_groups_are_on_the_device_however_long_the_epoch_is(make_images, fit):
    held = []

    class Count(training.Callback):
        def on_chunk_end(self, run):
            held.append(sum(array.shape == (2, 8, 8, 8, 1) for array in jax.live_arrays()))

    fit(stream(make_images(160), batch_size=8, seed=0, epochs=2), steps_per_execution=2, callbacks=[Count()])
    assert len(held) == 20
    assert max(held) <= 3


def test_fit_says_who_trains_on_streams(make_images):
    with pytest.raises(TypeError, match=r"^train must have .*, got Batches; training.fit_stream trains on streams$"):
        check_examples("train", Batches(make_images(20)))


def test_an_epoch_ends_before_the_next_one_fails_to_be_read(make_images, fit):
    batches = Seekable(make_images(20), fails_at=3)
    with pytest.raises(OSError, match="the disk is gone"):
        fit(batches)
    assert batches.position == 3
    np.testing.assert_equal(fit.model, fit(Batches(make_images(20), epochs=1)))


def test_groups_hold_fewer_batches_of_large_images(make_images, sgd):
    class Mean(nnx.Module):
        def __call__(self, x):
            return jnp.repeat(x.mean((1, 2)), 3, axis=1)

    batches = Batches(make_images(20))
    assert GROUP_BYTES == 2 * 8 * 1024**2
    for side, steps in ((8, 32), (256, 32), (1024, 2), (4096, 1)):
        batches.image_shape = (side, side, 1)
        given = (batches, None, None, sgd, 32, 0, None, check_options(0.0, None, None, 1), None)
        call = check_stream_call(Mean(), *given)
        assert call.plan.steps_per_execution == steps
