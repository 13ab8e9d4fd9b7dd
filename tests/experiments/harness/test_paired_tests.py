"""Paired tests against SciPy, and their words."""

import pytest
import scipy.stats

from experiments.harness.paired_tests import PairedTest, p_value, paired_test, seeds_of

FIRST, SECOND = {0: 0.91, 1: 0.95, 2: 0.93, 3: 0.90}, {3: 0.89, 2: 0.92, 1: 0.91, 0: 0.90}


def test_p_value_and_interval_are_scipys():
    found = paired_test("A beats B", "A minus B", FIRST, SECOND)
    oracle = scipy.stats.ttest_rel([FIRST[seed] for seed in range(4)], [SECOND[seed] for seed in range(4)])
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-4)
    low, high = oracle.confidence_interval(0.95)
    assert found.estimate == pytest.approx(((low + high) / 2, (high - low) / 2), rel=1e-4)


def test_runs_that_agree_to_the_bit_have_an_extreme_p_value():
    assert p_value([0.5, 0.5]) == 0.0
    assert p_value([0.0, 0.0, 0.0]) == 1.0


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([], "not measured"),
        ([0.5], "not established with 1 seed"),
        ([0.01, -0.02, 0.01], "not established with 3 seeds"),
        ([0.010, 0.011, 0.012], "holds"),
        ([-0.010, -0.011, -0.012], "does not hold"),
        ([0.0, 0.0], "not established with 2 seeds"),
    ],
)
def test_verdicts(differences, verdict):
    found = PairedTest("A beats B", "A minus B", differences)
    assert found.verdict == verdict
    assert found.sentence().startswith(f"A beats B: {verdict} (A minus B: ")
    assert (found.row()["verdict"], found.row()["pairs"]) == (verdict, len(differences))


def test_a_sentence_holds_the_numbers():
    assert PairedTest("A beats B", "A minus B", [0.010, 0.011, 0.012]).sentence() == (
        "A beats B: holds (A minus B: +0.0110 ± 0.0025, p = 0.003)."
    )
    assert PairedTest("A", "m", []).sentence() == "A: not measured (m: no pair of runs came to its end)."


def test_seeds_of():
    assert (seeds_of(1), seeds_of(6)) == ("1 seed", "6 seeds")
