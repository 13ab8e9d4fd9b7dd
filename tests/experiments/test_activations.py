"""Activations: what needs no training, and the sentences about races by hand."""

import numpy as np
import pytest

from experiments import activations
from experiments.harness import activation_costs
from experiments.harness.race import Race
from experiments.harness.race_facts import ratio_sentence, silent_sentence


@pytest.mark.slow
def test_no_epochs_shows_what_needs_no_training(tiny_sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(activation_costs, "TIMED", 1_000)
    monkeypatch.setattr(activation_costs, "REPEATED", 1)
    config = activations.Config(epochs=0, seeds=1, depths=(2, 8), width=8, data_dir=tiny_sets, out=tmp_path)
    rows = activations.main(config)
    assert [row["options"]["activation"] for row in rows] == ["sigmoid", "tanh", "ReLU", "swish"]
    assert {row["params"] for row in rows} == {784 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10}
    assert all(row["test_accuracy"] is None for row in rows)
    assert {path.name for path in tmp_path.glob("*.png")} == {"functions.png", "gradients.png"}
    printed = " ".join(capsys.readouterr().out.split())
    for holds in (
        "A net without activation is a single layer: holds exactly",
        "never exceeds 0.25 and vanishes at both ends: holds (largest 0.2500, 0.0025 at x = -6)",
        "tanh(x) = 2σ(2x) − 1: holds",
        "no gradient for negative x: holds",
        "Gradients of sigmoid vanish with depth: holds",
        "not around 0 for ReLU: holds (means for a million standard normal inputs: sigmoid 0.500",
    ):
        assert holds in printed


@pytest.mark.parametrize(
    ("sigmoid", "tanh", "says"),
    [
        (2.5, 1.5, "maximum: holds (times"),
        (2.5, 1.01, "maximum: holds of sigmoid alone (times"),
        (1.0, 0.9, "maximum: does not hold (times"),
    ],
)
def test_what_costs_as_much_as_relu_is_not_dearer(sigmoid, tanh, says):
    timed = {"ReLU": (1.0, 1.0), "sigmoid": (sigmoid, 1.0), "tanh": (tanh, 1.0), "swish": (2.0, 1.0), "exp": (2.0, 1.0)}
    assert says in activation_costs.cost_sentence(timed)


def races(relu, sigmoid):
    return {
        name: Race((0.1, 1.0), np.array([[np.inf] * len(steps), steps], float), None, 1.0)  # type: ignore[arg-type]
        for name, steps in (("ReLU", relu), ("sigmoid", sigmoid))
    }


@pytest.mark.parametrize(
    ("relu", "sigmoid", "says"),
    [
        ([100, 200], [610, 1180], "holds (sigmoid takes 6.0 times ReLU's steps to 90% training accuracy, 95% interval"),
        ([100, 110], [200, 220], "doesn't hold here, ReLU is faster, but not by that factor (sigmoid takes 2.0"),
        ([100, 110], [1000, 1100], "doesn't hold here, it is faster by more than that"),
        ([100, 110], [100, 110], "doesn't hold here, that ReLU is faster at all is not established"),
        ([100, 110], [100, np.inf], "not measured, as sigmoid brought not every seed to 90%"),
        ([200, 220], [100, 120], "doesn't hold here, ReLU is the slower one"),
        ([100], [300], "not established by one seed (sigmoid takes 3.0 times"),
    ],
)
def test_a_ratio_of_steps_is_judged_by_its_interval(relu, sigmoid, says):
    sentence = ratio_sentence(races(relu, sigmoid), "sigmoid", 0.9, 10)
    assert sentence.startswith(f"ReLU converges about 6 times faster than sigmoid: {says}")


def test_silent_units_are_told_by_rate():
    shares = {"ReLU": np.array([[0.0, 0.0], [0.25, 0.75]]), "tanh": np.zeros((2, 2))}
    assert (
        "holds (share of hidden units, by learning rate: 0.0% at 0.1, 50.0% at 3; with the others at most: 0.0%, 0.0%)"
        in silent_sentence(shares, (0.1, 3.0))
    )
