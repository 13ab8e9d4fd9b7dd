"""Runs on streams that are saved, interrupted and gone on with: the same bits as those never interrupted."""

import functools
import os
import shutil
import signal

import numpy as np
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.data.augment import chain, random_flip, random_shift
from jaxcnn.data.stream import stream
from jaxcnn.training.checkpoints.identity import in_words

SHIFT = functools.partial(random_shift, pixels=1)


class At(training.Callback):
    """Does something once, after so many steps."""

    def __init__(self, step, act):
        self.every, self.step, self.act = 1, step, act

    def on_chunk_end(self, run):
        if run.step == self.step:
            self.act()


@pytest.fixture
def batches(make_images):
    """Two epochs of five batches, the last smaller."""

    def make(**options):
        return stream(make_images(36), **{"batch_size": 8, "seed": 0, "epochs": 2, **options})

    return make


@pytest.fixture
def fit(make_images, stateful, batches, arrays, rmsprop):
    def call(folder=None, given=None, *, every=3, resume=False, rngs=3, **options):
        model = stateful(rngs=nnx.Rngs(rngs))
        checkpoints = folder and training.Checkpoints(folder, every, 9, resume)
        call = {"steps_per_execution": 2, "seed": 5, "optimizer": rmsprop, "augment": SHIFT, "progress": False}
        history = training.fit_stream(
            model, given or batches(), validation=make_images(6, seed=1), checkpoints=checkpoints, **call | options
        )
        return arrays(model), (history.loss, history.accuracy, history.val_loss, history.val_accuracy)

    return call


def steps(folder):
    return sorted(int(entry.name.removeprefix("step_")) for entry in folder.glob("step_*"))


def equal(found, wanted):
    np.testing.assert_equal(found[0], wanted[0])
    assert found[1] == wanted[1]


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(  # within an epoch, and at its end
    "step", [4, pytest.param(5, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_goes_on_from_the_same_stream_and_from_a_new_one(fit, batches, tmp_path, step):
    whole, held = fit(), batches()
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", held, callbacks=[At(step, interrupt)])
    assert held.position == steps(tmp_path / "run")[-1] == step
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    equal(fit(tmp_path / "run", held, resume=True, rngs=9), whole)  # another start, which must not matter
    equal(fit(tmp_path / "copy", resume=True, epochs=2, every=4), whole)


@pytest.mark.slow
@pytest.mark.parametrize("begun", [0, 2, 7])
def test_a_run_goes_on_from_each_of_its_checkpoints(fit, batches, tmp_path, begun):
    def stands():
        given = batches(epochs=3)
        given.seek(begun)
        return given

    whole = fit(given=stands())
    equal(fit(tmp_path / "run", stands()), whole)
    assert len(whole[1][0]) == 3 - begun // 5
    for step in steps(tmp_path / "run"):
        name = f"step_{step:08}"
        shutil.copytree(tmp_path / "run" / name, tmp_path / name / name)
        given = batches(epochs=3, prefetch=0)  # it stands at its beginning, wherever the run began
        equal(fit(tmp_path / name, given, resume=True, rngs=9), whole)
        assert given.position == 15


def test_what_is_another_run_is_refused(fit, batches, tmp_path):
    fit(tmp_path, epochs=1)
    for stream_options, options, sentence in [
        ({}, {}, "holds checkpoints already, the newest of step 5; go on from it with resume"),
        ({"seed": 1}, {"resume": True}, "stream's seed was 0 and is 1"),
        ({}, {"resume": True, "seed": 6}, "seed was 5 and is 6"),
        ({}, {"resume": True, "augment": None}, r"augment was random_shift\(pixels=1\) and is None"),
        ({}, {"resume": True, "epochs": 3}, "epochs must be at most the 2 that the stream has left, got 3"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            fit(tmp_path, batches(**stream_options), **options)
    assert steps(tmp_path) == [3, 5]


def test_a_stream_that_cannot_be_put_back_is_refused(fit, batches, tmp_path):
    class Once:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            if name in {"seek", "state"}:
                raise AttributeError(name)
            return getattr(self.inner, name)

        def __next__(self):
            return next(self.inner)

    with pytest.raises(TypeError, match=r"^checkpoints need a stream that tells its state\(\) .*, got Once"):
        fit(tmp_path, Once(batches()))


def test_an_augmentation_has_the_same_words_in_every_process():
    words = in_words(chain(random_flip, functools.partial(random_shift, pixels=2)))
    assert words == "chain.<locals>.chained of (random_flip, random_shift(pixels=2))"
    assert in_words((1.0, 2.0)) == "(1.0, 2.0)"
