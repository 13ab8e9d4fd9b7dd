"""A small run with every kind of state, and its checkpoints."""

import pytest
from flax import nnx

from jaxcnn import training


@pytest.fixture
def fit(make_images, stateful, arrays, rmsprop):
    """Two epochs of five batches, the last smaller; options are those of `Checkpoints` and `fit`."""

    def call(folder=None, *, every=3, keep=9, resume=False, options=None, model=None, rngs=3, **given):
        model = model or stateful(rngs=nnx.Rngs(rngs))
        checkpoints = folder and training.Checkpoints(folder, every, keep, resume, options or {})
        call = {"epochs": 2, "batch_size": 8, "steps_per_execution": 2, "seed": 5, "optimizer": rmsprop}
        history = training.fit(
            model,
            make_images(36),
            validation=make_images(6, seed=1),
            checkpoints=checkpoints,
            progress=False,
            **call | given,
        )
        return arrays(model), (history.loss, history.accuracy, history.val_loss, history.val_accuracy)

    return call
