"""Means over seeds and their confidence intervals."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jax.scipy.special import betainc


class Estimate(NamedTuple):
    """A mean over runs and half the width of its 95% confidence interval; None for a single run."""

    mean: float
    half_width: float | None

    def text(self, places: int) -> str:
        """Such as "0.9912 ± 0.0031"."""
        return f"{self.mean:.{places}f}" + ("" if self.half_width is None else f" ± {self.half_width:.{places}f}")

    def ends(self, least: float, most: float) -> tuple[float, float]:
        """Both ends of the interval, within what can be: Student's t of two seeds may reach past it."""
        width = self.half_width or 0.0
        return max(self.mean - width, least), min(self.mean + width, most)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95% interval by Student's t, which a handful of seeds calls for.

    Source: Student, "The probable error of a mean" (1908).
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(mean, None)
    return Estimate(mean, student_t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values)))


def band(
    estimates: Sequence[Estimate], least: float = -math.inf, most: float = math.inf
) -> tuple[list[float], list[float]] | tuple[None, None]:
    """The lower and the upper ends of a curve's intervals, within what can be; none for single runs."""
    if any(one.half_width is None for one in estimates):
        return None, None
    low, high = zip(*(one.ends(least, most) for one in estimates), strict=True)
    return list(low), list(high)


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Estimate | None:
    """Mean and interval of `first` minus `second`, seed by seed, over the seeds that both have; None without any.

    Runs of one seed see the images in the same order, so that their difference varies less than either.
    """
    common = sorted(first.keys() & second.keys())
    return estimate([first[seed] - second[seed] for seed in common]) if common else None


def judge(claim: str, measure: str, gain: Estimate | None, places: int = 4) -> str:
    """One sentence: the claim, what was measured, and whether it holds.

    Args:
      claim: such as "A CNN recognises more digits than an MLP".
      measure: what `gain` is, such as "test accuracy of convnet minus mlp".
      gain: above 0 where the claim is right; None where every run diverged.
      places: decimals.
    """
    if gain is None:
        return f"{claim}: not measured, as no pair of runs came to its end."
    told = f"{measure}: {gain.mean:+.{places}f}"
    if gain.half_width is None:
        return f"{claim}: not established by one seed ({told})."
    told = f"{told} ± {gain.half_width:.{places}f}, 95% interval over seeds"
    if abs(gain.mean) <= gain.half_width:
        return f"{claim}: not established ({told}, which includes 0)."
    return f"{claim}: holds ({told})." if gain.mean > 0 else f"{claim}: doesn't hold, the opposite does ({told})."


def student_t(degrees: int, confidence: float = 0.95) -> float:
    """The half-width, in standard errors, that holds `confidence` of Student's t with `degrees` of freedom."""

    def outside(t: float) -> float:
        return float(betainc(degrees / 2, 0.5, degrees / (degrees + t * t)))

    low, high = 0.0, 1e3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if outside(middle) > 1 - confidence else (low, middle)
    return high
