"""Runs that are copied at a boundary and go on elsewhere: the same bits as those never interrupted."""

import json

import jax
import numpy as np
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training.run_state import Record


class Copies(training.Callback):
    """A copy of the run at each boundary, after each epoch, and what a resumed one would have to equal."""

    def __init__(self):
        self.found = []

    def on_chunk_end(self, run):
        self.found.append(run.snapshot())

    def on_epoch_end(self, run, row):
        self.found.append(run.snapshot())


class From(training.Callback):
    """Goes on from a copy that went through JSON and NumPy."""

    def __init__(self, copy):
        self.record = json.loads(json.dumps(copy.record.to_dict()))
        self.arrays = jax.tree.map(_to_host, copy.arrays)

    def on_train_begin(self, run):
        run.restore(self.arrays, Record(**self.record))


def _to_host(leaf):
    key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return leaf if key else np.asarray(leaf)


@pytest.fixture
def fit(make_images, stateful, arrays, rmsprop):
    """Two epochs of three batches, the last smaller; final arrays and metrics."""

    def call(*callbacks, model=None, rngs=3, **options):
        model = model or stateful(rngs=nnx.Rngs(rngs))
        options = {"epochs": 2, "batch_size": 8, "steps_per_execution": 2, "seed": 5} | options
        history = training.fit(
            model,
            make_images(20),
            validation=make_images(6, seed=1),
            optimizer=rmsprop,
            callbacks=callbacks,
            progress=False,
            **options,
        )
        return arrays(model), (history.loss, history.accuracy, history.val_loss, history.val_accuracy)

    return call


ALL = {"label_smoothing": 0.1, "class_weights": (1.0, 2.0, 0.5), "ema": 0.5, "accumulate_steps": 2}


BEST = training.EarlyStopping("val_loss", patience=9, restore_best=True)


@pytest.mark.parametrize(
    ("options", "others", "places"),
    [
        pytest.param({}, [], range(7), marks=pytest.mark.slow),
        pytest.param(ALL, [BEST], range(7), marks=pytest.mark.slow),
        (ALL, [BEST], (1, 3)),  # where an epoch is about to end, and where gradients wait for the next batch
    ],
)
def test_a_run_goes_on_from_any_boundary_with_the_same_bits(fit, options, others, places):
    copies = Copies()
    weights, metrics = fit(*others, copies, **options)
    assert [copy.record.step for copy in copies.found] == [2, 3, 3, 4, 5, 6, 6]
    for copy in (copies.found[place] for place in places):
        assert bool(copy.finite)
        resumed, again = fit(From(copy), *others, rngs=9, **options)  # another start, which must not matter
        assert again == metrics
        np.testing.assert_equal(resumed, weights)


def test_what_is_not_this_run_is_refused(fit, softmax):
    copies = Copies()
    fit(copies, epochs=1)
    begin = From(copies.found[0])
    with pytest.raises(ValueError, match="seed must be the saved run's, 5, got 6"):
        fit(begin, seed=6)
    with pytest.raises(ValueError, match="batch_size must be the saved run's, 8, got 4"):
        fit(begin, batch_size=4)
    with pytest.raises(ValueError, match=r"the saved run differs .*'hidden'.* must be absent, got float32\(64, 8\)"):
        fit(begin, model=softmax(rngs=nnx.Rngs(0)))
    begin.on_chunk_end = begin.on_train_begin
    with pytest.raises(ValueError, match="a run is restored before its first step, got step 3"):
        fit(begin)


def test_a_template_has_the_structure_of_a_copy(fit):
    class Best(Copies):
        def on_chunk_end(self, run):
            run.best = run.variables()
            copy = run.snapshot()
            shapes = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), copy.arrays)
            assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), run.template(best=True)) == shapes
            assert copy.record.has_best
            self.found.append(copy)

    copies = Best()
    fit(copies, epochs=1)
    weights, _ = fit(From(copies.found[1]), epochs=1)
    state = copies.found[1].arrays.best
    np.testing.assert_array_equal(weights["dense", "kernel"], state[0]["dense"]["kernel"][...])
