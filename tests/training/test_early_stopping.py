"""When a run ends early, by hand, and what the model has then."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import EarlyStopping
from jaxcnn.training.chunks import Plan
from jaxcnn.training.run import Run

UP_FROM_STEP_6 = optax.sgd(lambda count: jnp.where(count < 6, 0.2, -2.0))  # learns, then forgets


@pytest.fixture
def stops_after(softmax):
    """The epoch after which a run with these values ends."""

    def count(values, **options):
        state = training.create_state(softmax(rngs=nnx.Rngs(0)), UP_FROM_STEP_6)
        run, stopping = Run(Plan(8, 8, 32), 9, 0, state, validated=True), EarlyStopping(**options)
        stopping.on_train_begin(run)
        for value in values:
            run.finish_epoch({stopping.monitor: value})
            stopping.on_epoch_end(run, run.rows[-1])
            if run.stopped:
                return run.epoch, run.stopped
        return None

    return count


@pytest.mark.parametrize(
    ("values", "options", "epoch"),
    [
        ([3.0, 2.0, 2.0, 1.0], {}, 3),
        ([3.0, 2.0, 2.5, 1.9, 1.95, 2.0, 2.0], {"patience": 3}, 7),
        ([3.0, 2.9, 2.8, 2.7, 2.6], {"patience": 2, "min_delta": 0.15}, None),  # 2.8 and 2.6 improve on the best so far
        ([3.0, 2.9, 2.85, 2.8], {"patience": 2, "min_delta": 0.15}, 3),
        ([0.5, 0.6, 0.55, 0.58], {"monitor": "val_accuracy", "patience": 2}, 4),
        ([np.nan, 2.0, np.nan, np.nan], {"monitor": "loss", "patience": 2}, 4),
    ],
)
def test_patience_counts_epochs_without_improvement(stops_after, values, options, epoch):
    found = stops_after(values, **options)
    assert (found and found[0]) == epoch


def test_the_reason_names_the_best(stops_after):
    _, why = stops_after([3.0, 2.0, 2.5, 2.25], patience=2)
    assert why == "val_loss has not improved for 2 epochs; its best was 2 in epoch 2"


@pytest.mark.parametrize("restore_best", [True, False])
def test_the_model_has_its_best_epoch_where_asked_for(make_images, softmax, arrays, restore_best):
    model, best = softmax(rngs=nnx.Rngs(0)), softmax(rngs=nnx.Rngs(0))
    options = {"validation": make_images(9, seed=1), "batch_size": 8, "optimizer": UP_FROM_STEP_6, "progress": False}
    stopping = EarlyStopping(patience=2, restore_best=restore_best)
    history = training.fit(model, make_images(20), epochs=9, callbacks=[stopping], **options)
    assert len(history.val_loss) == 4
    assert (
        history.stopped == f"val_loss has not improved for 2 epochs; its best was {history.val_loss[1]:.4g} in epoch 2"
    )
    training.fit(best, make_images(20), epochs=2, **options)
    same = [np.array_equal(array, arrays(model)[path]) for path, array in arrays(best).items()]
    assert all(same) == restore_best


@pytest.mark.parametrize("restores", [0, 1])
def test_two_with_another_patience_each_see_what_improves(softmax, restores):
    state = training.create_state(softmax(rngs=nnx.Rngs(0)), UP_FROM_STEP_6)
    run = Run(Plan(8, 8, 32), 9, 0, state, validated=True)
    both = [EarlyStopping(patience=3 - index, restore_best=index == restores) for index in (0, 1)]
    for value in (3.0, 2.0, 2.5, 2.5):
        run.finish_epoch({"val_loss": value})
        for stopping in both:
            stopping.on_epoch_end(run, run.rows[-1])
        assert (run.best is not None, run.stopped is not None) == (True, run.epoch == 4)


def test_bad_options(stops_after, make_images, softmax):
    with pytest.raises(ValueError, match="monitor must be one of loss, val_loss, accuracy, val_accuracy, got 'f1'"):
        EarlyStopping.__post_init__(_with(monitor="f1"))
    with pytest.raises(ValueError, match="patience must be at least 0, got -1"):
        EarlyStopping(patience=-1)
    with pytest.raises(ValueError, match=r"min_delta must be finite and at least 0, got -0\.1"):
        EarlyStopping(min_delta=-0.1)
    for name, value in (("min_delta", "0.1"), ("min_delta", None), ("restore_best", "no")):
        with pytest.raises(TypeError, match=f"{name} must be .*, got {value!r}"):
            EarlyStopping.__post_init__(_with(**{name: value}))
    with pytest.raises(ValueError, match=r"monitor must be one of .*, got \['loss'\]"):
        EarlyStopping.__post_init__(_with(monitor=["loss"]))
    with pytest.raises(ValueError, match=r"monitor is 'val_loss', but the run has loss, accuracy, seconds alone; pass"):
        training.fit(
            softmax(rngs=nnx.Rngs(0)),
            make_images(8),
            epochs=1,
            optimizer=UP_FROM_STEP_6,
            callbacks=[EarlyStopping()],
            progress=False,
        )


def _with(**options):
    """One whose types nobody has checked."""
    stopping = EarlyStopping()
    for name, value in options.items():
        object.__setattr__(stopping, name, value)
    return stopping
