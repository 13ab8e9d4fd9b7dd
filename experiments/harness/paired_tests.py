"""Claims tested on pairs of runs with the same seed: Student's t, its p-value, and a verdict in words."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jax.scipy.special import betainc

from experiments.harness.statistics import Estimate, estimate


class PairedTest(NamedTuple):
    """Whether a difference is above 0.

    Attributes:
      claim: what holds where it is.
      measure: what the difference is of, such as "test accuracy, max pooling minus no pooling".
      differences: one a seed that both have.
    """

    claim: str
    measure: str
    differences: Sequence[float]

    @property
    def estimate(self) -> Estimate | None:
        """The mean and its 95% interval; None where no pair of runs came to its end."""
        return estimate(self.differences) if self.differences else None

    @property
    def p_value(self) -> float | None:
        """Of no difference, two-sided; None for less than two pairs."""
        return p_value(self.differences) if len(self.differences) > 1 else None

    @property
    def verdict(self) -> str:
        """ "holds", "does not hold" where the opposite does, or what is lacking."""
        found = self.estimate
        if found is None:
            return "not measured"
        if found.half_width is None or abs(found.mean) <= found.half_width:
            return f"not established with {seeds_of(len(self.differences))}"
        return "holds" if found.mean > 0 else "does not hold"

    def numbers(self, places: int = 4) -> str:
        """Such as "+0.0123 ± 0.0045, p = 0.003"."""
        found = self.estimate
        if found is None:
            return "no pair of runs came to its end"
        return f"{signed(found, places)}{'' if self.p_value is None else f', {shown_p(self.p_value)}'}"

    def sentence(self) -> str:
        """The claim, whether it holds, and the numbers."""
        return f"{self.claim}: {self.verdict} ({self.measure}: {self.numbers()})."

    def row(self) -> dict[str, Any]:
        """For `result.json`."""
        found = self.estimate or Estimate(math.nan, None)
        return {
            "claim": self.claim,
            "measure": self.measure,
            "mean": found.mean if self.differences else None,
            "half_width": found.half_width,
            "p_value": self.p_value,
            "pairs": len(self.differences),
            "verdict": self.verdict,
        }


def paired_test(claim: str, measure: str, first: Mapping[int, float], second: Mapping[int, float]) -> PairedTest:
    """The test of `first` minus `second`, seed by seed, over the seeds that both have."""
    common = sorted(first.keys() & second.keys())
    return PairedTest(claim, measure, [first[seed] - second[seed] for seed in common])


def p_value(differences: Sequence[float]) -> float:
    """The two-sided p-value of a mean of 0, by Student's t.

    Source: Student, "The probable error of a mean" (1908).
    """
    degrees, mean, spread = len(differences) - 1, statistics.fmean(differences), statistics.stdev(differences)
    if not spread:
        return 0.0 if mean else 1.0
    t = mean * math.sqrt(len(differences)) / spread
    return float(betainc(degrees / 2, 0.5, degrees / (degrees + t * t)))


def signed(found: Estimate, places: int) -> str:
    """Such as "+0.0123 ± 0.0045"."""
    return ("+" if found.mean >= 0 else "") + found.text(places)


def shown_p(p: float) -> str:
    """Such as "p = 0.03" or "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.01 else f"p = {p:.2f}"


def seeds_of(count: int) -> str:
    """Such as "6 seeds"."""
    return f"{count} seed{'' if count == 1 else 's'}"
