"""Runs that are saved, interrupted and gone on with: the same bits as those never interrupted."""

import errno
import importlib
import os
import shutil
import signal
import types

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training.checkpoints.keeping import superfluous
from jaxcnn.training.checkpoints.saver import make_saver

store = importlib.import_module("jaxcnn.training.checkpoints.store")


class At(training.Callback):
    """Does something once, after so many steps."""

    def __init__(self, step, act):
        self.every, self.step, self.act = 1, step, act

    def on_chunk_end(self, run):
        if run.step == self.step:
            self.act()


def steps(folder):
    return sorted(int(entry.name.removeprefix("step_")) for entry in folder.glob("step_*"))


def equal(found, wanted):
    np.testing.assert_equal(found[0], wanted[0])
    assert found[1] == wanted[1]


@pytest.mark.slow
def test_a_run_goes_on_from_each_of_its_checkpoints(fit, tmp_path):
    whole = fit()
    equal(fit(tmp_path / "parents" / "are" / "made"), whole)
    folder = tmp_path / "parents" / "are" / "made"
    assert steps(folder) == [3, 5, 6, 9, 10]  # the best epoch's and the last besides
    for step in steps(folder):
        name = f"step_{step:08}"
        shutil.copytree(folder / name, tmp_path / name / name)
        equal(fit(tmp_path / name, resume=True, rngs=9), whole)  # another start, which must not matter
        assert steps(tmp_path / name)[-1] == 10


@pytest.mark.slow
def test_more_epochs_and_another_interval_are_no_other_run(fit, tmp_path):
    fit(tmp_path, epochs=1)
    equal(fit(tmp_path, every=4, resume=True), fit())


@pytest.mark.parametrize(  # within an epoch and at its end
    ("number", "error", "step"),
    [pytest.param(signal.SIGTERM, SystemExit, 4, marks=pytest.mark.slow), (signal.SIGINT, KeyboardInterrupt, 5)],
)
def test_a_signal_saves_and_ends(fit, tmp_path, number, error, step):
    before = signal.getsignal(number)
    with pytest.raises(error) as stopped:
        fit(tmp_path, callbacks=[At(step, lambda: os.kill(os.getpid(), number))])
    assert number == signal.SIGINT or stopped.value.code == 143
    assert steps(tmp_path)[-1] == step
    assert signal.getsignal(number) is before
    equal(fit(tmp_path, resume=True), fit())


@pytest.mark.slow
def test_a_second_signal_ends_at_once(fit, tmp_path):
    def twice():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, callbacks=[At(4, twice)])
    assert steps(tmp_path) == [3]


def test_a_full_disk_ends_the_run_with_earlier_checkpoints_whole(fit, tmp_path, monkeypatch):
    real, calls = store.write_arrays, []

    def full(folder, arrays):
        calls.append(folder)
        real(folder, arrays)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "write_arrays", full)
    with pytest.raises(OSError, match=r"step 6 can't be saved \(No space left"):
        fit(tmp_path)
    monkeypatch.setattr(store, "write_arrays", real)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".lock", "step_00000003", "step_00000005"]
    equal(fit(tmp_path, resume=True), fit())


@pytest.mark.slow
def test_a_broken_loss_names_its_step_and_leaves_the_last_good_state(fit, tmp_path, arrays, stateful):
    breaks = optax.sgd(lambda count: jnp.where(count < 7, 0.01, jnp.inf))
    with pytest.raises(FloatingPointError, match=r"epoch 2, batch [34] of 5 \(step [89]\)"):
        fit(tmp_path, every=2, optimizer=breaks)
    assert steps(tmp_path)[-1] == 6
    found = []
    with pytest.raises(FloatingPointError):
        fit(tmp_path, resume=True, optimizer=breaks, callbacks=[Begin(found)])
    assert all(np.isfinite(leaf).all() for leaf in found[0].values() if leaf.dtype == np.float32)


class Begin(training.Callback):
    """Looks at where a run begins."""

    def __init__(self, found):
        self.found = found

    def on_train_begin(self, run):
        assert run.step == 6
        self.found.append({path: np.asarray(leaf[...]) for path, leaf in nnx.to_flat_state(run.state.params)})


def test_two_runs_in_one_folder(fit, tmp_path):
    refused = []

    def second():
        with pytest.raises(ValueError, match=r"another run uses the folder .*; wait for its end") as error:
            fit(tmp_path, resume=True)
        refused.append(error)

    equal(fit(tmp_path, callbacks=[At(4, second)]), fit())
    assert refused


def test_what_is_another_run_is_refused(fit, tmp_path, softmax):
    fit(tmp_path, epochs=1, options={"learning_rate": 0.01})
    for given, sentence in [
        ({}, "holds checkpoints already, the newest of step 5; go on from it with resume"),
        ({"resume": True}, "learning_rate was 0.01 and is not given"),
        ({"resume": True, "seed": 6}, "seed was 5 and is 6"),
        ({"resume": True, "batch_size": 4}, "batch_size was 8 and is 4"),
        ({"resume": True, "ema": 0.9}, r"another model .*: .*ema.* was not given and is float32\(64, 8\)"),
        ({"resume": True, "model": softmax(rngs=nnx.Rngs(0))}, r"hidden.* was float32\(64, 8\) and is not given"),
    ]:
        with pytest.raises((ValueError, TypeError), match=sentence):
            fit(tmp_path, **given)
    assert steps(tmp_path) == [3, 5]
    fit(tmp_path, resume=True, options={"learning_rate": 0.01})
    with pytest.raises(ValueError, match=r"epochs must be at least 2, as many as the run in .* has trained, got 1"):
        fit(tmp_path, epochs=1, resume=True, options={"learning_rate": 0.01})


def test_a_folder_that_cannot_be_is_refused_before_training(fit, tmp_path, make_images):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="folder must be one that can be written to"):
        fit(tmp_path / "file")
    with pytest.raises(ValueError, match="folder must be one that can be written to"):
        fit(tmp_path / "file" / "below")
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        training.Checkpoints(tmp_path, 0)
    untyped = types.SimpleNamespace(folder=tmp_path, every=1, keep=1, resume=False, options=["learning_rate"])
    with pytest.raises(TypeError, match="options must be a mapping of names to values, got list"):
        training.Checkpoints.__post_init__(untyped)
    with pytest.raises(TypeError, match=r"checkpoints must be a training\.Checkpoints or None, got PosixPath"):
        make_saver(tmp_path, make_images(1), None)


def test_a_stopped_run_stays_stopped(fit, tmp_path):
    class Stop(training.Callback):
        def on_epoch_end(self, run, row):
            run.stop("enough")

    stopped = fit(tmp_path, callbacks=[Stop()])
    assert len(stopped[1][0]) == 1
    equal(fit(tmp_path, resume=True), stopped)


def test_the_last_and_the_best_are_kept_wherever_the_program_goes(fit, tmp_path, monkeypatch):
    assert superfluous({1: None, 2: 0.5, 3: None, 4: 0.5, 5: 0.7, 6: None}, 2) == [1, 3, 4]
    assert superfluous({1: float("nan"), 2: None}, 3) == []
    assert superfluous({}, 1) == []
    monkeypatch.chdir(tmp_path)
    away = At(4, lambda: monkeypatch.chdir(tmp_path.parent))
    _, (_, _, val_loss, _) = fit("run", every=1, keep=1, epochs=4, callbacks=[away])
    assert steps(tmp_path / "run") == sorted({5 * (1 + int(np.argmin(val_loss))), 20})
