"""When callbacks are called, what they see, and how they end a run."""

import numpy as np
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import progress
from jaxcnn.training.call import check_callbacks


class Log(training.Callback):
    def __init__(self, every=None, stop_at=None):
        self.every, self.stop_at, self.calls, self.run = every, stop_at, [], None

    def on_train_begin(self, run):
        self.calls.append("begin")

    def on_chunk_end(self, run):
        self.calls.append(run.step)
        assert run.means()["loss"] > 0
        self.model = run.model()
        if run.step == self.stop_at:
            run.stop(f"step {run.step}")

    def on_epoch_end(self, run, row):
        assert row is run.rows[-1]
        self.calls.append(f"epoch {run.epoch}")

    def on_train_end(self, run):
        self.calls.append("end")
        self.run = run


@pytest.fixture
def fit(make_images, stateful, rmsprop):
    def call(*callbacks, **options):
        model = stateful(rngs=nnx.Rngs(0))
        options = {"epochs": 2, "batch_size": 8, "optimizer": rmsprop, "progress": False} | options
        return model, training.fit(model, make_images(20), callbacks=callbacks, **options)

    return call


def test_calls_come_at_boundaries_and_epoch_ends(fit, arrays):
    log, sparse = Log(every=2), Log()
    model, history = fit(log)
    assert log.calls == ["begin", 2, 3, "epoch 1", 4, 5, 6, "epoch 2", "end"]
    assert history.stopped is None
    np.testing.assert_equal(arrays(log.model), arrays(model))
    plain, same = fit(sparse)
    assert sparse.calls == ["begin", 2, 3, "epoch 1", 5, 6, "epoch 2", "end"]
    assert same.loss == history.loss
    np.testing.assert_equal(arrays(plain), arrays(model))


def test_a_stop_ends_at_its_boundary_with_the_state_there(fit, arrays):
    log = Log(every=1, stop_at=4)
    model, history = fit(log)
    assert log.calls == ["begin", 1, 2, 3, "epoch 1", 4, "end"]
    assert history.stopped == "step 4"
    assert len(history.loss) == 1
    np.testing.assert_equal(arrays(model), arrays(log.model))


def test_a_stop_with_the_last_batch_of_an_epoch_ends_after_the_epoch(fit):
    log = Log(stop_at=3)
    _, history = fit(log)
    assert log.calls[-2:] == ["epoch 1", "end"]
    assert len(history.loss) == 1


def test_the_end_comes_after_an_error_too(fit, monkeypatch):
    def interrupt(self, epoch, row):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Silent, "finish_epoch", interrupt)
    log = Log()
    with pytest.raises(KeyboardInterrupt):
        fit(log)
    assert log.calls[-1] == "end"
    assert isinstance(log.run.error, KeyboardInterrupt)


def test_what_is_no_callback_is_refused(fit):
    with pytest.raises(TypeError, match=r"callbacks must be a sequence of training\.Callback, got Log"):
        check_callbacks(Log())
    with pytest.raises(TypeError, match=r"callbacks\[1\] must be a training\.Callback, got type"):
        check_callbacks([Log(), Log])
    with pytest.raises(ValueError, match=r"callbacks\[0\]\.every must be at least 1, got 0"):
        fit(Log(every=0))
