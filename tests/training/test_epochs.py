import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import progress

RMSPROP = optax.rmsprop(1e-2)  # one object, so that tests share compiled programs


def test_an_interrupt_leaves_the_last_whole_epoch(make_images, stateful, arrays, monkeypatch):
    def fit(epochs):
        model = stateful(rngs=nnx.Rngs(0))
        try:
            training.fit(
                model,
                make_images(24),
                epochs=epochs,
                batch_size=8,
                optimizer=RMSPROP,
                steps_per_execution=1,
                progress=False,
            )
        except KeyboardInterrupt:
            interrupted.append(epochs)
        return arrays(model)

    def interrupt(self, epoch, means, examples, seconds):
        if epoch == 1:
            raise KeyboardInterrupt

    interrupted = []
    whole = fit(epochs=1)
    monkeypatch.setattr(progress.Silent, "advance", interrupt)
    np.testing.assert_equal(fit(epochs=2), whole)
    assert interrupted == [2]


def test_a_broken_loss_leaves_the_last_good_epoch(make_images, softmax, arrays):
    breaks_at_step_4 = optax.sgd(lambda count: jnp.where(count >= 4, jnp.inf, 0.1))  # 3 steps an epoch
    model, good = softmax(rngs=nnx.Rngs(0)), softmax(rngs=nnx.Rngs(0))
    training.fit(good, make_images(24), epochs=1, batch_size=8, optimizer=breaks_at_step_4, progress=False)
    with pytest.raises(FloatingPointError, match="loss became nan in epoch 2; the model keeps its state from before"):
        training.fit(model, make_images(24), epochs=3, batch_size=8, optimizer=breaks_at_step_4, progress=False)
    np.testing.assert_equal(arrays(model), arrays(good))


def test_parameters_broken_by_the_last_step_do_not_reach_the_model(make_images, softmax, arrays):
    model = softmax(rngs=nnx.Rngs(0))
    before = arrays(model)
    with pytest.raises(FloatingPointError, match="parameters became NaN or infinite in epoch 1"):
        training.fit(model, make_images(8), epochs=1, optimizer=optax.sgd(np.inf), progress=False)
    np.testing.assert_equal(arrays(model), before)
