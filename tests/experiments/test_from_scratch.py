"""The network from scratch: slopes and sizes by hand, and the Flax model step by step."""

import json

import jax
import numpy as np
import pytest

from experiments import from_scratch
from experiments.harness.flax_twin import Followed, follow_flax, twin
from experiments.harness.scratch_report import equality_sentence, slopes_sentence


@pytest.fixture(scope="module")
def weights():
    return jax.jit(lambda key: from_scratch.init_weights(key, (28, 28, 1), 10))(jax.random.key(1))


@pytest.fixture(scope="module")
def batches():
    """Four batches, the last of them smaller."""
    rng = np.random.default_rng(0)
    x, y = rng.random((28, 28, 28, 1), np.float32), np.eye(10, dtype=np.float32)[np.arange(28) % 10]
    return list(from_scratch.gen_batch(x, y, 8, rng))


def test_slopes_are_those_of_the_slides():
    assert from_scratch.slopes([1.0, 2.0, 3.0]) == [5.0, 14.0, 29.0]
    assert "holds" in slopes_sentence([5.0, 14.0, 29.0])
    assert "does not hold" in slopes_sentence([5.0, 14.0, 29.5])


@pytest.mark.slow
def test_equal_to_the_flax_model_step_by_step(weights, batches):
    assert [len(x) for x, _ in batches] == [8, 8, 8, 4]
    np.testing.assert_allclose(
        from_scratch.forpass(weights, batches[0][0]), twin(weights, (28, 28, 1))(batches[0][0]), atol=1e-6
    )
    followed = follow_flax(weights, batches, from_scratch.training, 0.01)
    np.testing.assert_allclose(followed.losses, followed.flax_losses, atol=1e-6)
    assert max(followed.differences) < 1e-6
    assert len(set(followed.losses)) == 4
    assert "holds" in equality_sentence(followed)


def test_a_wrong_step_is_found(weights, batches):
    def twice_the_step(weights, x, y, lr):
        return from_scratch.training(weights, x, y, 2 * lr)

    followed = follow_flax(weights, batches[:1], twice_the_step, 0.1)
    assert max(followed.differences) > 1e-3
    assert "does not hold" in equality_sentence(followed)
    assert "not tried" in equality_sentence(Followed([], [], []))


def test_weights_are_glorot_uniform(weights):
    assert [leaf.shape for leaf in weights] == [(3, 3, 1, 10), (10,), (1960, 100), (100,), (100, 10), (10,)]
    assert sum(leaf.size for leaf in weights) == 197_210
    for leaf, limit in ((weights.conv_w, (6 / 99) ** 0.5), (weights.w1, (6 / 2060) ** 0.5)):
        assert 0.9 * limit < np.abs(np.asarray(leaf)).max() <= limit
    assert not any(np.asarray(leaf).any() for leaf in (weights.conv_b, weights.b1, weights.b2))


def test_no_epochs_differentiates_and_counts(tiny_sets, tmp_path, capsys):
    rows = from_scratch.main(from_scratch.Config(epochs=0, seeds=1, dataset="mnist", data_dir=tiny_sets, out=tmp_path))
    assert [(row["params"], row["macs"], row["test_accuracy"]) for row in rows] == [
        (197_210, 28 * 28 * 9 * 10 + 1960 * 100 + 100 * 10, None)
    ]
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["experiment"] == "from_scratch"
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", "report.html", "images.png"}
    assert "gives 5, 14, 29" in capsys.readouterr().out


@pytest.mark.slow
def test_a_short_training_fills_the_rows(tiny_sets, tmp_path, capsys):
    config = from_scratch.Config(quick=True, seeds=1, batch_size=16, dataset="mnist", data_dir=tiny_sets, out=tmp_path)
    (row,) = from_scratch.main(config)
    assert (row["train_examples"], row["test_examples"]) == (32, 20)
    assert row["seconds"] > 0
    assert 0 <= row["test_accuracy"] <= 1
    assert len(row["history"]["val_loss"]) == 1
    assert "over 2 steps of SGD" in capsys.readouterr().out
    assert (tmp_path / "loss.png").exists()
