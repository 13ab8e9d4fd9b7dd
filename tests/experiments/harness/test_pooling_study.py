"""The study's nets: the lecture's where nothing is changed, and matched where they say so."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from experiments.harness.pooled_net import PooledNet
from experiments.harness.pooling_study import shortened, study_of
from experiments.harness.pooling_tables import amount, match_records
from experiments.harness.runs import count
from jaxcnn import models
from jaxcnn.data import Dataset

SET = Dataset(np.zeros((10, 28, 28, 1), np.uint8), np.arange(10, dtype=np.int32), tuple("0123456789"), "set", "full")


@pytest.fixture(scope="module")
def lectures():
    return [count("swish_cnn", {"pool": pool}, pool, SET) for pool in ("max", "stride", "none")]


@pytest.fixture(scope="module")
def study(lectures):
    return study_of(lectures, SET)


def test_the_net_is_the_lectures_for_the_same_seed():
    def program(build):
        def drawn_and_applied(images):
            net = build()
            return net(images), jax.tree.leaves(nnx.state(net, nnx.Param))

        return str(jax.make_jaxpr(drawn_and_applied)(jnp.zeros((2, 28, 28, 1))))

    ours = program(lambda: PooledNet((28, 28, 1), 10, pool="max", rngs=nnx.Rngs(3)))
    assert ours == program(lambda: models.MODELS["swish_cnn"]((28, 28, 1), 10, pool="max", rngs=nnx.Rngs(3)))
    assert ours != program(lambda: PooledNet((28, 28, 1), 10, pool="max", rngs=nnx.Rngs(4)))
    assert ours != program(lambda: PooledNet((28, 28, 1), 10, pool="avg", rngs=nnx.Rngs(3)))


def test_matches_are_within_one_percent_and_one_pixel(study):
    for match in study.matches:
        has, partner = (amount(variant, match.quantity) for variant in (match.variant, match.partner))
        allowed = 1 if match.quantity == "receptive field" else 0.01 * partner
        assert abs(has - partner) <= allowed, match.variant.label


@pytest.mark.parametrize(("side", "fits"), [(17, False), (18, True)])
def test_images_too_small_for_the_matched_nets_are_not_studied(side, fits):
    images = dataclasses.replace(SET, images=np.zeros((10, side, side, 1), np.uint8))
    found = study_of([count("swish_cnn", {"pool": pool}, pool, images) for pool in ("max", "none")], images)
    assert (found is not None) == fits


def test_sizes_by_hand(study):
    found = {v.label: (v.summary.trainable_params, v.summary.total_macs, v.receptive_field) for v in study.variants}
    assert found["max"] == (9_532, 80_904, (16, 16))
    assert found["max pooling, dense 1,893"][0] == 78 + 456 + 97 * 1_893 + 1_894 * 10
    assert found["max pooling, channels 9 and 19"][1] == 576 * 25 * 9 + 64 * 225 * 19 + 16 * 19 * 84 + 840
    assert found["no pooling, dilation 3"][2] == (5 + 3 * 4,) * 2
    assert found["global average, channels 11 and 23"][0] == 26 * 11 + (25 * 11 + 1) * 23 + 24 * 84 + 850
    # Maxima at stride 1 and a blur see 1 and 2 pixels more each time, the second time two pixels apart: 8, 16, 18, 22.
    assert found["max and blur pooling"] == (9_532, 80_904, (22, 22))


def test_the_table_shows_both_sides(study):
    first = match_records(study.matches)[0]
    assert (first["it has"], first["partner has"], first["difference"]) == ("203,095", "203,068", "+0.01%")


def test_a_quick_look_trains_the_lectures_alone(study, lectures):
    short = shortened(study, lectures)
    assert (short.variants, short.matches) == (lectures, study.matches)
    assert [pair.name for pair in short.comparisons] == ["as they are", "against strides"]


def test_there_is_no_study_without_its_net_or_what_it_compares():
    assert study_of([count("swish_cnn", {"pool": "max"}, "max pooling", SET)], SET) is None
    assert study_of([count("lenet5", {"pool": pool}, pool, SET) for pool in ("max", "none")], SET) is None
