"""Student's t against SciPy and its printed table; estimates by hand."""

import pytest
import scipy.stats

from experiments.harness.statistics import Estimate, estimate, student_t


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
