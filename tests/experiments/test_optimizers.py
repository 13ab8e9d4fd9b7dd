"""Optimizers: the length of steps by hand."""

import numpy as np
import optax

from experiments import optimizers
from experiments.harness.runs import create
from experiments.harness.statistics import Estimate
from jaxcnn.data import load
from jaxcnn.training import create_state


def test_no_epochs_counts_and_draws(tiny_sets, tmp_path):
    config = optimizers.Config(dataset="mnist", epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path, models=("mlp",))
    rows = optimizers.main(config)
    assert [(row["options"]["optimizer"], row["params"]) for row in rows] == [
        (name, 66_790) for name in ("SGD", "momentum 0.9", "RMSprop", "Adam")
    ]


def test_steps_of_the_sign_have_the_length_of_the_rate(tiny_sets):
    train = load("mnist", data_dir=tiny_sets)
    net = create("mlp", {"hidden": 2}, train, seed=0)
    optimizer = optax.sign_sgd(0.01)
    lengths = optimizers.step_lengths(create_state(net, optimizer), train, steps=3, batch_size=16, seed=0)
    # Each of the 784·2 + 2 + 2·10 + 10 parameters moves by 0.01, but those that see black pixels alone stay.
    assert lengths.shape == (3,)
    assert np.all(lengths <= 0.01 * np.sqrt(1600) * 1.0001)
    assert np.all(lengths > 0.01 * np.sqrt(800))


def test_adam_is_judged_by_its_steps():
    followed = {name: [Estimate(2.0, None), Estimate(last, None)] for name, last in (("SGD", 3.0), ("Adam", 0.5))}
    (sentence,) = optimizers.adam_sentences(followed)
    assert "stays 0.001 in every step" in sentence
    assert "do get shorter: the last tenth's are 0.25 times" in sentence
    assert "SGD 1.50" in sentence
    assert optimizers.optimizers().keys() == {"SGD", "momentum 0.9", "RMSprop", "Adam"}
