"""Nearest neighbours and copies, by hand."""

import numpy as np

from experiments.harness.nearest import copies, harder_sentence, recognised
from jaxcnn.data import Dataset


def greys(values, labels):
    images = np.repeat(np.uint8(values), 4).reshape(-1, 2, 2, 1)
    return Dataset(images, labels, ("dark", "bright"), "greys", "full")


KNOWN = greys([0, 100, 200], [0, 0, 1])


def test_an_image_has_the_class_of_the_nearest():
    assert recognised(KNOWN, greys([40, 140, 160, 255], [0, 0, 1, 1])) == (1.0, 4)
    assert recognised(KNOWN, greys([40, 140, 160, 255], [0, 1, 0, 1])) == (0.5, 4)


def test_copies_are_equal_pixel_by_pixel():
    assert copies(KNOWN, greys([100, 101, 200, 200], [0, 0, 1, 1])) == 3


def test_harder_is_what_chance_does_not_explain():
    easy, hard = greys([10] * 50, [0] * 50), greys([10] * 40 + [20] * 10, [0] * 40 + [1] * 10)
    assert "the test images are the harder ones" in harder_sentence(KNOWN, easy, hard)
    assert "the validation images are the harder ones" in harder_sentence(KNOWN, hard, easy)
    said = harder_sentence(KNOWN, hard, hard)
    assert "recognises 80.0% of the validation and 80.0% of the test images" in said
    assert "no part is harder" in said
