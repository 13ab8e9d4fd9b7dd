"""LeNet-5: the paper's count, and the three nets."""

import numpy as np
import pytest

from experiments import lenet
from experiments.harness.options import duration
from jaxcnn.data import load


def test_no_epochs_counts_and_draws(tiny_sets, tmp_path, capsys):
    rows = lenet.main(lenet.Config(epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path))
    assert [row["params"] for row in rows] == [61_706] * 3
    assert "61,706 parameters, the net of 1998 60,000 trainable ones" in " ".join(capsys.readouterr().out.split())


def test_a_single_epoch_is_one():
    assert [duration(epochs) for epochs in (1, 2)] == ["1 epoch", "2 epochs"]


def test_the_papers_count():
    # Section II.B of the paper prints these numbers, and "about 60,000" in all.
    assert list(lenet.original_counts().values()) == [156, 12, 1_516, 32, 48_120, 10_164, 0]


@pytest.mark.slow
def test_brightened_pixels_are_255_times_as_bright(tiny_sets):
    slides, _, brightened = lenet.variants_of(load("mnist", data_dir=tiny_sets))
    x = np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 28, 28, 1)
    np.testing.assert_allclose(brightened.build(0)(x), slides.build(0)(x * 255), rtol=1e-5)
