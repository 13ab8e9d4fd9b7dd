"""Shuffled pixels: the permutation, the correlation of neighbours, and the dense net that is the same function."""

import numpy as np

from experiments import spatial_structure
from experiments.harness.statistics import Estimate
from jaxcnn.data import Dataset, load


def test_pixels_move_and_channels_stay_together():
    images = np.arange(2 * 4 * 2, dtype=np.uint8).reshape(1, 2, 4, 2)
    dataset = Dataset(images, [0], ["a"], "colours", "full")
    order = spatial_structure.pixel_order(dataset, 3)
    assert sorted(order) == list(range(8))
    moved = spatial_structure.shuffle(dataset, order)
    np.testing.assert_array_equal(moved.images.reshape(8, 2), images.reshape(8, 2)[order])


def test_neighbours_that_are_equal_correlate_fully():
    rows = np.arange(16, dtype=np.uint8).reshape(1, 16, 1, 1)
    dataset = Dataset(np.tile(rows, (1, 1, 4, 1)), [0], ["a"], "rows", "full")
    assert abs(spatial_structure.neighbour_correlation(dataset) - 1) < 1e-6


def test_no_difference_is_judged_by_the_interval():
    says = spatial_structure.unchanged_sentence
    assert ": not refuted (test accuracy shuffled minus ordered: +0.0100 ± 0.0200, 95%" in says(Estimate(0.01, 0.02))
    assert "does not hold" in says(Estimate(-0.03, 0.02))
    assert "as it takes two seeds (test accuracy shuffled minus ordered: +0.0100)" in says(Estimate(0.01, None))
    assert "no measurement" in says(None)


def test_a_dense_net_with_shuffled_weights_is_the_same_function(tiny_sets):
    train = load("mnist", data_dir=tiny_sets)
    sentence = spatial_structure.same_function_sentence(train, spatial_structure.pixel_order(train, 0))
    assert "neighbours: holds exactly:" in sentence


def test_no_epochs_draws_both(tiny_sets, tmp_path):
    rows = spatial_structure.main(spatial_structure.Config(epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path))
    assert [(row["model"], row["options"]["pixels"]) for row in rows] == [
        (model, pixels) for model in ("mlp", "convnet") for pixels in ("order", "shuffled")
    ]
    assert (tmp_path / "shuffled.png").exists()
