"""Means over seeds and their confidence intervals."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from jax.scipy.special import betainc


class Estimate(NamedTuple):
    """A mean over runs and half the width of its 95% confidence interval; None for a single run."""

    mean: float
    half_width: float | None

    def text(self, places: int) -> str:
        """Such as "0.9912 ± 0.0031"."""
        return f"{self.mean:.{places}f}" + ("" if self.half_width is None else f" ± {self.half_width:.{places}f}")


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95% interval by Student's t, which a handful of seeds calls for.

    Source: Student, "The probable error of a mean" (1908).
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(mean, None)
    return Estimate(mean, student_t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values)))


def student_t(degrees: int, confidence: float = 0.95) -> float:
    """The half-width, in standard errors, that holds `confidence` of Student's t with `degrees` of freedom."""

    def outside(t: float) -> float:
        return float(betainc(degrees / 2, 0.5, degrees / (degrees + t * t)))

    low, high = 0.0, 1e3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if outside(middle) > 1 - confidence else (low, middle)
    return high
