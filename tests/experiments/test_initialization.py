"""Initial weights: their range, and what zeros let through."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments import initialization
from experiments.harness import starts
from experiments.harness.runs import create
from jaxcnn.data import load


@pytest.mark.slow
def test_no_epochs_looks_at_the_start(tiny_sets, tmp_path, capsys):
    config = initialization.Config(dataset="mnist", epochs=0, data_dir=tiny_sets, out=tmp_path, models=("mlp",))
    rows = initialization.main(config)
    assert [row["options"]["kernel_init"] for row in rows[::3]] == list(initialization.STARTS)
    printed = " ".join(capsys.readouterr().out.split())
    assert "glorot_uniform draws evenly within ±√(6 / (fan in + fan out)): holds" in printed
    assert "From zeros no kernel can ever move: holds (the gradients of all kernels add up, in absolute" in printed
    assert "once the last bias has moved, to: mlp 0 and 0)" in printed


def test_a_rate_that_nothing_learns_with_is_refused():
    for rate in (-0.1, 0.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="--learning-rate must be a finite number above 0, got"):
            initialization.main(initialization.Config(learning_rate=rate))
    with pytest.raises(ValueError, match="--models must be one or more values, each of them once; got mlp mlp"):
        initialization.main(initialization.Config(models=("mlp", "mlp")))


def test_other_starts_let_gradients_through(tiny_sets):
    train = load("mnist", data_dir=tiny_sets)
    before, after = initialization.stuck(create("mlp", {"hidden": 2}, train, seed=0), train)
    assert min(before, after) > 0
    assert before != after


def test_glorots_limit_by_hand():
    # A 3×3 kernel from 1 to 10 channels: fan in 9, fan out 90.
    assert starts.glorot_limit((3, 3, 1, 10)) == math.sqrt(6 / 99)
    assert starts.glorot_limit((784, 84)) == math.sqrt(6 / 868)


def test_kernels_are_drawn_anew_and_biases_stay(tiny_sets):
    net = create("mlp", {}, load("mnist", data_dir=tiny_sets), seed=0)
    starts.redrawn(net, nnx.initializers.constant(0.5), 1)
    found = starts.kernels(nnx.state(net, nnx.Param))
    assert list(found) == ["dense1", "dense2"]
    assert all((kernel == 0.5).all() for kernel in found.values())
    np.testing.assert_array_equal(jnp.asarray(net.dense1.bias), np.zeros(84))
