"""What the slides say of pooling."""

import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import nn
from jaxcnn.analysis import count_params
from jaxcnn.geometry import pool_output_shape

MAP = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], np.float32)[None, ..., None]


def test_defaults_are_the_window_and_valid():
    spelled = nn.MaxPool(2, strides=2, padding="VALID")
    np.testing.assert_array_equal(nn.MaxPool(2)(MAP), spelled(MAP))
    np.testing.assert_array_equal(nn.MaxPool((2, 2))(MAP), spelled(MAP))
    assert nn.MaxPool(2)(MAP).shape == (1, 2, 2, 1)


def test_every_element_is_seen_once():
    windows = F.extract_patches(MAP, (2, 2), strides=2)
    assert sorted(windows.ravel().tolist()) == sorted(MAP.ravel().tolist())


@pytest.mark.parametrize(
    ("size", "window", "stride", "cells"), [(28, 2, 2, 14), (4, 2, 2, 2), (4, 2, 1, 3), (7, 3, 2, 3)]
)
def test_the_formula_of_pooled_sizes(size, window, stride, cells):
    assert pool_output_shape(size, window, strides=stride) == ((size - window) // stride + 1,) == (cells,)


def test_depth_stays():
    assert F.max_pool(np.zeros((1, 14, 14, 5), np.float32), 2, padding="SAME").shape == (1, 7, 7, 5)


def test_same_at_stride_one_keeps_the_size():
    assert pool_output_shape((5, 4), 2, strides=1, padding="same") == (5, 4)


def test_drawn_zeros_would_win_over_negatives():
    # The figure draws zeros round [[4, 3], [2, 1]], where they don't matter; TensorFlow pads with nothing.
    positive = np.array([[4, 3], [2, 1]], np.float32)
    for image, zeros_agree in ((positive, True), (-positive, False)):
        same = F.max_pool(image[..., None], (2, 2), strides=1, padding="SAME")[..., 0]
        drawn = F.max_pool(np.pad(image, [(0, 1), (0, 1)])[..., None], (2, 2), strides=1)[..., 0]
        assert np.array_equal(same, drawn) == zeros_agree
    np.testing.assert_array_equal(same, [[-1, -1], [-1, -1]])


def test_maxima_are_not_linear_and_averages_are():
    other = MAP[:, ::-1] ** 2
    average, largest = (lambda x, pool=pool: np.asarray(pool(x, 2)) for pool in (F.avg_pool, F.max_pool))
    np.testing.assert_array_equal(average(MAP + other), average(MAP) + average(other))
    assert (largest(MAP + other) != largest(MAP) + largest(other)).any()


def test_pooling_keeps_what_is_strong():
    noise = np.random.default_rng(0).exponential(size=(1, 40, 40, 1)).astype(np.float32)
    strong = float(np.quantile(noise, 0.95))
    share_before, share_after = (float((x > strong).mean()) for x in (noise, np.asarray(F.max_pool(noise, 2))))
    assert share_after > 3 * share_before
    assert F.max_pool(noise, 2).max() == noise.max()


def test_pooling_has_no_parameters_of_its_own():
    assert count_params(nn.MaxPool(2)) == count_params(nn.AvgPool(2)) == 0
