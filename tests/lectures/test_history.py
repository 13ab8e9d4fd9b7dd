"""What the slides tell of the field's history, beside the numbers of the papers.

Top-5 test errors in percent: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge" (2015), for 2010
to 2014 and for people; He et al., "Deep Residual Learning" (2016); Hu, Shen and Sun, "Squeeze-and-Excitation Networks"
(2018).
"""

import itertools

import jax
import numpy as np
from flax import nnx

from jaxcnn import analysis, models

ERROR = {2010: 28.2, 2011: 25.8, 2012: 16.4, 2013: 11.7, 2014: 6.7, 2015: 3.57, 2017: 2.251}
PEOPLE = 5.1
# ILSVRC 2012: training, validation and test images of the classification task (Russakovsky et al.).
IMAGES, CLASSES = 1_281_167 + 50_000 + 100_000, 1000
FIRST_CONVOLUTIONAL_NET_TRAINED_BY_BACKPROPAGATION = 1989  # LeCun et al., Neural Computation 1 (4), 541-551
NEOCOGNITRON = 1980  # Fukushima, Biological Cybernetics 36, 193-202
LENET5 = 1998  # LeCun, Bottou, Bengio and Haffner, Proceedings of the IEEE 86 (11), 2278-2324

CATS = 1959  # Hubel and Wiesel, Journal of Physiology 148, 574-591
# Of these people, as the two foundations list them.
TURING_AWARD = {2018: ("Yoshua Bengio", "Geoffrey Hinton", "Yann LeCun")}
NOBEL_PRIZE_IN_MEDICINE = {1981: ("Roger W. Sperry", "David H. Hubel", "Torsten N. Wiesel")}


def test_imagenets_size():
    assert IMAGES > 1_400_000
    assert CLASSES == 1000


def test_errors_of_the_winners():
    assert (round(ERROR[2011]), round(ERROR[2012])) == (26, 16)
    falls = [before - after for before, after in itertools.pairwise(ERROR.values())]
    assert max(falls) == ERROR[2011] - ERROR[2012]  # the largest of all years


def test_people_were_passed_in_2015():
    assert round(PEOPLE) == 5
    assert [year for year in ERROR if ERROR[year] < PEOPLE] == [2015, 2017]
    assert round(ERROR[2017], 1) == 2.3
    assert ERROR[2017] < PEOPLE / 2


def test_lenet5_was_not_the_first():
    assert NEOCOGNITRON < FIRST_CONVOLUTIONAL_NET_TRAINED_BY_BACKPROPAGATION < LENET5


def test_alexnet_has_lenets_layers_in_lenets_order():
    model = nnx.eval_shape(lambda: models.create("lenet5", rngs=nnx.Rngs(0)))
    rows = analysis.summary(model, jax.ShapeDtypeStruct((1, 28, 28, 1), np.float32)).rows
    lenet = [row.name.rstrip("0123456789") for row in rows if row.name != "flatten"]
    # Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012), 3.5.
    alexnet = ["conv", "pool", "conv", "pool", "conv", "conv", "conv", "pool", "dense", "dense", "dense"]
    # It is deeper by three convolutions and a pooling in one place, and by nothing else.
    assert lenet == alexnet[:4] + alexnet[8:]


def test_the_turing_award_of_2018():
    # The slide writes "Jeffrey".
    assert [name for name in TURING_AWARD[2018] if "Hinton" in name] == ["Geoffrey Hinton"]
    assert {"Yoshua Bengio", "Yann LeCun"} < set(TURING_AWARD[2018])


def test_cats_and_the_prize_for_them():
    assert min(NOBEL_PRIZE_IN_MEDICINE) > CATS
    assert {"David H. Hubel", "Torsten N. Wiesel"} < set(NOBEL_PRIZE_IN_MEDICINE[1981])
