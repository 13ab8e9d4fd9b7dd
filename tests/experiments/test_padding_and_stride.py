"""Padding and stride: windows and sizes by hand, and a short run."""

import numpy as np
import pytest
from flax import nnx

from experiments import padding_and_stride
from experiments.harness.border import erased, gradient_by_ring, rings, windows_of
from experiments.harness.border_report import Border, border_sentences, lost_records
from jaxcnn import data


def test_windows_of_the_slides_nine_numbers():
    assert windows_of(9, 4, stride=1, padding="VALID").tolist() == [1, 2, 3, 4, 4, 4, 3, 2, 1]
    assert windows_of(9, 4, stride=1, padding="FULL").tolist() == [4] * 9
    assert windows_of(9, 4, stride=1, padding="SAME").tolist() == [2, 3, 4, 4, 4, 4, 4, 4, 3]
    assert windows_of(4, 3, stride=2, padding="SAME").tolist() == [1, 1, 2, 1]


def test_rings_and_what_is_erased():
    assert rings(3, 4).tolist() == [[1, 1, 1, 1], [1, 2, 2, 1], [1, 1, 1, 1]]
    images = np.full((2, 4, 4, 1), 9, np.uint8)
    whole = data.Dataset(images, [0, 1], ("a", "b"), "nines", "full")
    assert erased(whole, 1).images[0, ..., 0].tolist() == [[0] * 4, [0, 9, 9, 0], [0, 9, 9, 0], [0] * 4]
    assert whole.images.min() == 9


def test_gradients_by_ring_are_relative():
    # The logit of class 0 is 3 times each border pixel plus the four inner ones: relative to their mean 2.5.
    images = np.zeros((2, 4, 4, 1), np.uint8)
    weights = np.where(rings(4, 4) == 1, 3.0, 1.0).astype(np.float32)

    class Sums(nnx.Module):
        def __call__(self, x):
            total = (x[..., 0] * weights[None]).sum((1, 2))
            return np.array([[1.0, 0.0]], np.float32) * total[:, None]

    whole = data.Dataset(images, [0, 0], ("a", "b"), "zeros", "full")
    assert gradient_by_ring(Sums(), whole) == pytest.approx([3 / 2.5, 1 / 2.5])


def test_sentences_follow_the_numbers():
    low = Border({0: [0.5], 1: [0.52]}, {0: [0.5, 0.01], 1: [0.5, 0.02]})
    high = Border({0: [0.9], 1: [0.91]}, {0: [0.5, 0.05], 1: [0.5, 0.06]})
    gradients, losses = border_sentences({"valid, stride 1": low, "same, stride 1": high})
    assert (
        "in trained nets: holds (|gradient| of the outermost pixels relative to all, same minus valid, stride 1: +0.40"
        in gradients
    )
    assert "costs less: holds (accuracy lost with the outermost 2 pixels, same minus valid, stride 1: +0.0400" in losses
    for sentence in border_sentences({"valid, stride 1": high, "same, stride 1": low}):
        assert "the opposite does" in sentence
    assert border_sentences({"valid, stride 1": low}) == []
    lost = Border({}, {0: [0.01, 0.02, 0.03, 0.04], 3: [0.01, 0.04, 0.03, 0.04]})
    assert lost_records({"x": lost})[0]["outermost 1 px"] == "1.00 ± 0.00 points"
    assert lost_records({"x": lost})[0]["outermost 2 px"].startswith("3.00 ± ")


def test_no_epochs_counts_and_draws(tiny_sets, tmp_path, capsys):
    config = padding_and_stride.Config(epochs=0, seeds=1, dataset="mnist", data_dir=tiny_sets, out=tmp_path)
    rows = padding_and_stride.main(config)
    conv = 10 * 9 + 10 + 20 * 90 + 20
    cells = {("VALID", 1): 24, ("SAME", 1): 28, ("VALID", 2): 6, ("SAME", 2): 7}
    assert {(row["options"]["padding"], row["options"]["strides"]): row["params"] for row in rows} == {
        way: conv + 20 * n * n * 10 + 10 for way, n in cells.items()
    }
    printed = " ".join(capsys.readouterr().out.split())
    assert "of 28 pixels the first layer makes 26 (valid, stride 1), 28 (same, stride 1), 13" in printed
    assert "the first is in 1 of the windows and the middle one in 4; with full padding each is in 4" in printed
    assert {path.name for path in tmp_path.glob("*.png")} >= {"windows.png", "images.png"}


@pytest.mark.slow
def test_a_short_run_measures_the_border(tiny_sets, tmp_path, capsys):
    config = padding_and_stride.Config(
        epochs=1, seeds=2, batch_size=16, dataset="mnist", data_dir=tiny_sets, out=tmp_path
    )
    rows = padding_and_stride.main(config)
    assert all(0 <= row["test_accuracy"] <= 1 for row in rows)
    assert "Without padding the border counts for less in trained nets" in capsys.readouterr().out
    assert {path.name for path in tmp_path.glob("*.png")} >= {"border_gradients.png", "border_erased.png"}
