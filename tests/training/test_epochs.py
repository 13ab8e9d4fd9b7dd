import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import epochs, progress
from jaxcnn.training.chunks import Plan
from jaxcnn.training.examples import Examples
from jaxcnn.training.feed import MemoryFeed
from jaxcnn.training.programs import compile_programs
from jaxcnn.training.run import Run


def test_an_interrupt_leaves_the_last_whole_epoch(make_images, stateful, arrays, monkeypatch, rmsprop):
    def fit(epochs):
        model = stateful(rngs=nnx.Rngs(0))
        try:
            training.fit(
                model,
                make_images(20),
                epochs=epochs,
                batch_size=8,
                optimizer=rmsprop,
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
    with pytest.raises(
        FloatingPointError, match=r"loss became nan in epoch 2, batch 3 of 3 \(step 6\); the model keeps"
    ):
        training.fit(model, make_images(24), epochs=3, batch_size=8, optimizer=breaks_at_step_4, progress=False)
    np.testing.assert_equal(arrays(model), arrays(good))


def test_parameters_broken_by_the_last_step_do_not_reach_the_model(make_images, softmax, arrays):
    model = softmax(rngs=nnx.Rngs(0))
    before = arrays(model)
    with pytest.raises(FloatingPointError, match=r"parameters became NaN or infinite in epoch 1, batch 1 of 1"):
        training.fit(model, make_images(8), epochs=1, optimizer=optax.sgd(np.inf), progress=False)
    np.testing.assert_equal(arrays(model), before)


@pytest.fixture
def epoch(make_images, stateful, rmsprop):
    """Trains one epoch of three chunks, on what `feed` makes of the programs."""
    state, key = training.create_state(stateful(rngs=nnx.Rngs(0)), rmsprop), jax.random.key(0)
    examples, plan = Examples(*map(jnp.asarray, make_images(20))), Plan(20, 8, steps_per_execution=1)
    programs, _ = compile_programs(plan, state, examples, key, None)

    def train(feed=MemoryFeed):
        run = Run(plan, 1, 0, state)
        epochs.train_epoch(feed(programs, examples, key), run, progress.Silent(), time.perf_counter)
        return run

    return train


def test_an_epoch_moves_nothing_that_it_does_not_say(epoch):
    with jax.transfer_guard("disallow"):
        run = epoch()
    assert np.isfinite(run.means()["loss"])


def test_the_host_reads_the_sums_of_a_chunk_while_the_next_one_runs(epoch, monkeypatch):
    log, read = [], epochs.mean_metrics

    def logged(name, function):
        return lambda *args: (log.append(name), function(*args))[1]

    class Logged(MemoryFeed):
        take_steps = logged("step", MemoryFeed.take_steps)
        look_ahead = logged("ahead", MemoryFeed.look_ahead)

    monkeypatch.setattr(epochs, "mean_metrics", logged("read", read))
    epoch(Logged)
    assert log == ["step", "ahead", "step", "read", "ahead", "step", "read", "ahead"]
