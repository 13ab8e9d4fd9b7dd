"""Shifts of images by hand, and what answers to them say."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.harness.shifts import DIRECTIONS, PIXELS, measure_shifts, shifted_answers, shifted_images
from jaxcnn.data import Dataset

ORDER = [(0, "none"), *((pixels, name) for pixels in PIXELS[1:] for name in DIRECTIONS)]


def test_a_pixel_moves_and_zeros_come_in():
    image = np.zeros((1, 9, 9, 1), np.uint8)
    image[0, 4, 4, 0], image[0, 0, 8, 0] = 7, 9
    moved = shifted_images(image)
    assert (moved.shape, moved.dtype) == ((17, 1, 9, 9, 1), np.uint8)
    at = {name: moved[i, 0, :, :, 0] for i, name in enumerate(ORDER)}
    assert at[2, "down"][6, 4] == 7
    assert at[3, "up"][1, 4] == 7
    assert at[1, "left"][4, 3] == 7
    assert at[4, "right"][4, 8] == 7
    assert (at[1, "up"] == 9).sum() == 0  # it left the image
    assert at[1, "down"][1, 8] == 9
    assert at[1, "down"][0].sum() == 0


def test_answers_are_shares_by_hand():
    labels = np.array([0, 1])
    classes = np.tile(labels, (17, 1))
    classes[1] = [1, 1]  # 1 pixel up: the first image gets another answer, a wrong one
    classes[13:] = [0, 0]  # 4 pixels, every direction: the second does
    found = shifted_answers(classes, labels)
    assert found.accuracy == [1.0, 7 / 8, 1.0, 1.0, 0.5]
    assert found.agreement == [1.0, 7 / 8, 1.0, 1.0, 0.5]
    assert found.row()["agreement"] == pytest.approx((7 / 8 + 1 + 1 + 0.5) / 4)
    assert found.row()["agreement_by_one"] == 7 / 8


def test_a_net_that_sees_the_sum_alone_is_invariant_as_long_as_nothing_leaves():
    images = np.zeros((6, 12, 12, 1), np.uint8)
    images[:, 5:7, 5:7] = np.arange(0, 240, 40, dtype=np.uint8)[:, None, None, None]
    dataset = Dataset(images, np.zeros(6, np.int32), ("a", "b"), "set", "full")

    class Sum(nnx.Module):
        def __call__(self, x):
            total = x.sum((1, 2))
            return jnp.concatenate([total, 2 * total - 2], axis=1)

    (found,) = measure_shifts({0: Sum()}, dataset).values()
    assert found.agreement == [1.0] * len(PIXELS)
    assert measure_shifts({}, dataset) == {}
