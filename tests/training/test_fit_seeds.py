"""Several seeds at once: the bits of single runs, and one run's failure kept from the others."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import progress
from jaxcnn.training.call import check_callbacks_of_all, check_seeds
from jaxcnn.training.same_structure import check_same_structure

SEEDS = (0, 1, 7)


def test_the_bits_are_those_of_single_runs(make_images, stateful, arrays, rmsprop):
    def models():
        return [stateful(rngs=nnx.Rngs(seed)) for seed in SEEDS]

    options = {"validation": make_images(6, seed=1), "epochs": 3, "batch_size": 8, "optimizer": rmsprop}
    options |= {"steps_per_execution": 1, "progress": False}
    together, apart = models(), models()
    histories = training.fit_seeds(together, make_images(20), seeds=SEEDS, **options)
    for model, single, seed, history in zip(together, apart, SEEDS, histories, strict=True):
        expected = training.fit(single, make_images(20), seed=seed, **options)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert getattr(history, name) == getattr(expected, name)
        np.testing.assert_equal(arrays(model), arrays(single))
        assert len(history.seconds) == 3
        assert history.error is None
    assert [history.compile_seconds > 0 for history in histories] == [True, False, False]


def test_options_and_callbacks_are_those_of_single_runs(make_images, softmax, arrays, rmsprop):
    def callbacks():
        return [training.EarlyStopping("loss", min_delta=10.0, patience=2)]

    options = {"epochs": 9, "batch_size": 8, "optimizer": rmsprop, "progress": False}
    options |= {"label_smoothing": 0.1, "class_weights": (1, 2, 3), "ema": 0.5, "accumulate_steps": 2}
    together, apart = ([softmax(rngs=nnx.Rngs(seed)) for seed in (0, 1)] for _ in range(2))
    watchers = [callbacks(), callbacks()]
    histories = training.fit_seeds(together, make_images(20), seeds=(0, 1), callbacks=watchers, **options)
    for model, single, seed, history in zip(together, apart, (0, 1), histories, strict=True):
        expected = training.fit(single, make_images(20), seed=seed, callbacks=callbacks(), **options)
        assert (history.loss, history.stopped) == (expected.loss, expected.stopped)
        assert len(history.loss) == 3
        np.testing.assert_equal(arrays(model), arrays(single))
    with pytest.raises(ValueError, match="callbacks must be one sequence for each model, 2, or none, got 1"):
        training.fit_seeds(together, make_images(20), seeds=(0, 1), callbacks=watchers[:1], **options)
    with pytest.raises(ValueError, match="callbacks must be objects of their own for each model, got one twice"):
        training.fit_seeds(together, make_images(20), seeds=(0, 1), callbacks=[watchers[0]] * 2, **options)


def test_trains_with_64_bits_enabled(make_images, softmax, x64, rmsprop):
    data = make_images(16, dtype=np.float64)
    models = [softmax(rngs=nnx.Rngs(seed)) for seed in (0, 1)]
    histories = training.fit_seeds(
        models, data, validation=data, epochs=1, batch_size=8, optimizer=rmsprop, seeds=(0, 1), progress=False
    )
    assert np.isfinite([history.val_loss for history in histories]).all()


def test_a_broken_run_keeps_its_last_good_epoch_and_the_others_go_on(make_images, softmax, arrays):
    good, broken, single = (softmax(rngs=nnx.Rngs(0)) for _ in range(3))
    optimizer = optax.sgd(0.5)
    broken.dense.kernel[...] = jnp.full_like(broken.dense.kernel[...], jnp.inf)
    found = arrays(broken)
    histories = training.fit_seeds(
        [good, broken], make_images(16), epochs=2, batch_size=8, optimizer=optimizer, seeds=(3, 3), progress=False
    )
    training.fit(single, make_images(16), epochs=2, batch_size=8, optimizer=optimizer, seed=3, progress=False)
    np.testing.assert_equal(arrays(good), arrays(single))
    np.testing.assert_equal(arrays(broken), found)
    assert histories[0].error is None
    assert len(histories[0].loss) == 2
    assert "loss became nan in epoch 1" in str(histories[1].error)
    assert histories[1].loss == []


def test_an_error_in_one_run_stops_all(make_images, softmax, monkeypatch, rmsprop):
    def fail(self, epoch, row):
        raise OSError("disk full")

    monkeypatch.setattr(progress.Silent, "finish_epoch", fail)
    with pytest.raises(OSError, match="disk full"):
        training.fit_seeds(
            [softmax(rngs=nnx.Rngs(seed)) for seed in SEEDS],
            make_images(16),
            epochs=2,
            optimizer=rmsprop,
            seeds=SEEDS,
            progress=False,
        )


def test_each_line_names_its_seed(make_images, softmax, capsys, rmsprop):
    models = [softmax(rngs=nnx.Rngs(seed)) for seed in (4, 5)]
    training.fit_seeds(models, make_images(8), epochs=1, optimizer=rmsprop, seeds=(4, 5))
    lines = sorted(capsys.readouterr().err.splitlines())
    assert [line.split(":")[0] for line in lines] == ["seed 4, epoch 1/1", "seed 5, epoch 1/1"]


def test_no_epochs_give_empty_histories(make_images, softmax, rmsprop):
    models = [softmax(rngs=nnx.Rngs(seed)) for seed in (0, 1)]
    histories = training.fit_seeds(models, make_images(8), epochs=0, optimizer=rmsprop, seeds=(0, 1))
    assert histories == [training.History(), training.History()]


@pytest.mark.parametrize(
    ("classes", "seeds", "message"),
    [
        ((), (), "models must hold at least one model, got none"),
        ((3, 3), (0,), "seeds must be one for each model, 2, got 1"),
        ((3, 4), (0, 1), r"models must share one structure, but models\[1\] differs from models\[0\]"),
        ((3,), (-1,), r"seed must be in 0\.\.4294967295, got -1"),
    ],
)
def test_wrong_values(make_images, softmax, classes, seeds, message, rmsprop):
    models = [softmax(count, rngs=nnx.Rngs(0)) for count in classes]
    with pytest.raises(ValueError, match=message):
        training.fit_seeds(models, make_images(8), epochs=1, optimizer=rmsprop, seeds=seeds)


def test_wrong_types(make_images, softmax):
    model = softmax(rngs=nnx.Rngs(0))
    with pytest.raises(TypeError, match=r"models must be a sequence of flax\.nnx\.Modules, got Softmax; wrap it"):
        check_same_structure(model)
    with pytest.raises(ValueError, match="models must be different objects, got one of them twice"):
        check_same_structure([model, model])
    with pytest.raises(TypeError, match="seeds must be a sequence of integers, one for each model, got int"):
        check_seeds(0, 1)
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be a sequence .* models\[0\], got EarlyStopping itself"):
        check_callbacks_of_all([training.EarlyStopping("loss"), training.EarlyStopping("loss")], 2)


def test_models_share_no_variable_and_functions_are_the_same(softmax):
    first, second = (softmax(rngs=nnx.Rngs(seed)) for seed in (0, 1))
    second.dense = first.dense
    with pytest.raises(ValueError, match=r"models\[0\] and models\[1\] share dense\.\w+; construct every layer anew"):
        check_same_structure([first, second])
    assert len(check_same_structure([first, nnx.clone(first)])) == 2
    first, second = (nnx.Sequential(lambda x: x, nnx.Linear(2, 3, rngs=nnx.Rngs(0))) for _ in range(2))
    with pytest.raises(ValueError, match="define functions that they hold, such as a lambda, once for all of them"):
        check_same_structure([first, second])
