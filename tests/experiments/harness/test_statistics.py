"""Student's t against SciPy and its printed table; estimates by hand."""

import math

import pytest
import scipy.stats

from experiments.harness.statistics import Estimate, estimate, judge, paired, student_t


@pytest.mark.parametrize("degrees", [1, 2, 4, 9, 30])
def test_student_t(degrees):
    assert student_t(degrees) == pytest.approx(scipy.stats.t.ppf(0.975, degrees), rel=1e-4)


def test_estimate_by_hand():
    mean, half_width = estimate([0.5, 0.7])
    assert mean == pytest.approx(0.6)
    assert half_width == pytest.approx(12.706 * 0.1, rel=1e-4)
    assert estimate([0.5]) == Estimate(0.5, None)


def test_text():
    assert Estimate(0.98765, 0.00123).text(4) == "0.9877 ± 0.0012"
    assert Estimate(0.98765, None).text(2) == "0.99"


def test_pairs_are_of_the_same_seed():
    mean, half_width = paired({0: 0.5, 1: 0.7, 2: 0.1}, {1: 0.4, 0: 0.4})
    assert mean == pytest.approx(0.2)
    assert half_width == pytest.approx(12.706 * 0.1, rel=1e-4)
    assert paired({0: 0.5}, {1: 0.5}) is None


@pytest.mark.parametrize(
    ("gain", "says"),
    [
        (None, "A beats B: not measured, as no pair of runs came to its end."),
        (Estimate(0.01, None), "A beats B: not established by one seed (A minus B: +0.0100)."),
        (Estimate(0.01, 0.02), "A beats B: not established (A minus B: +0.0100 ± 0.0200, 95% interval over seeds,"),
        (Estimate(0.03, 0.02), "A beats B: holds (A minus B: +0.0300 ± 0.0200, 95% interval over seeds)."),
        (Estimate(-0.03, 0.02), "A beats B: doesn't hold, the opposite does (A minus B: -0.0300 ± 0.0200"),
    ],
)
def test_a_claim_is_judged_by_its_interval(gain, says):
    assert judge("A beats B", "A minus B", gain).startswith(says)


def test_the_ends_of_an_interval_stay_within_what_can_be():
    assert Estimate(0.75, 0.5).ends(0.0, 1.0) == (0.25, 1.0)
    assert Estimate(0.25, 0.5).ends(0.0, math.inf) == (0.0, 0.75)
    assert Estimate(0.25, None).ends(0.0, 1.0) == (0.25, 0.25)
