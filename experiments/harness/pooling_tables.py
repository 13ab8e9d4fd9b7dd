"""Tables of the pooling study: what was matched, what each variant achieved, and how pairs of runs differ."""

from collections.abc import Sequence

from experiments.harness.comparison import Results
from experiments.harness.pooling_claims import Judged
from experiments.harness.pooling_study import Match
from experiments.harness.runs import Variant
from experiments.harness.shifts import PIXELS
from experiments.harness.statistics import estimate
from experiments.harness.tables import Records


def match_records(matches: Sequence[Match]) -> Records:
    """A line a match: what was changed, and how nearly it equals its partner."""
    return [
        {
            "variant": match.variant.label,
            "changed": match.changed,
            "equal in": match.quantity,
            "it has": f"{amount(match.variant, match.quantity):,}",
            "its partner": match.partner.label,
            "partner has": f"{amount(match.partner, match.quantity):,}",
            "difference": difference(match),
        }
        for match in matches
    ]


def amount(variant: Variant, quantity: str) -> int:
    """How much the variant has: parameters, multiply-accumulates, or pixels that a cell sees in a row."""
    if quantity == "receptive field":
        return (variant.receptive_field or (0,))[0]
    return variant.summary.trainable_params if quantity == "parameters" else variant.summary.total_macs or 0


def difference(match: Match) -> str:
    """In percent, or in pixels."""
    has, partner = (amount(variant, match.quantity) for variant in (match.variant, match.partner))
    return f"{has - partner:+d} px" if match.quantity == "receptive field" else f"{has / partner - 1:+.2%}"


def study_records(results: Results) -> Records:
    """A line a variant: accuracy on images seen and unseen, their gap, and answers that a shift leaves as they were."""
    return [
        {
            "variant": variant.label,
            "train accuracy": results.text(variant, "train_accuracy"),
            "test accuracy": results.text(variant, "test_accuracy"),
            "gap": estimate(list(gap.values())).text(4),
            "same answer, 1 px": results.text(variant, "agreement_by_one", 3),
            f"1 to {PIXELS[-1]} px": results.text(variant, "agreement", 3),
        }
        for variant in results.variants
        if (gap := results.gap(variant, "accuracy"))
    ]


def difference_records(found: Sequence[Judged]) -> Records:
    """A line a comparison: the three differences with intervals and p-values."""
    return [
        {
            "comparison": one.comparison.name,
            "first minus second": f"{one.comparison.first.label} – {one.comparison.second.label}",
            "test accuracy": one.accuracy.numbers(),
            "gap, second minus first": one.gap.numbers(),
            "same answer": one.agreement.numbers(3),
        }
        for one in found
    ]
