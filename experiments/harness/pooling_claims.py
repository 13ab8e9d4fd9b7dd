"""What the pooling study's pairs of runs say of the claims: tests, and sentences written from them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.harness.comparison import Results
from experiments.harness.paired_tests import PairedTest, paired_test, seeds_of
from experiments.harness.pooling_study import Comparison, Study
from experiments.harness.runs import Variant, measurements, runs_of
from experiments.harness.shifts import LOOKED_AT, PIXELS
from experiments.harness.statistics import estimate

ACCURACY, GAP, AGREEMENT = "test accuracy", "gap", "same answer"
STEADY = 0.99  # the share of answers that a shift must leave as they were, for a net to be called invariant to it
STEADIER = (
    f"share of {LOOKED_AT} images that keep their answer under shifts of 1 to {PIXELS[-1]} pixels, pooling minus no "
    "pooling"
)
POOLED = ("as they are", "at equal parameters", "at equal compute", "at equal receptive field")


class Judged(NamedTuple):
    """A comparison and its three tests."""

    comparison: Comparison
    accuracy: PairedTest
    gap: PairedTest
    agreement: PairedTest

    @property
    def tests(self) -> Mapping[str, PairedTest]:
        """By what they measure."""
        return {ACCURACY: self.accuracy, GAP: self.gap, AGREEMENT: self.agreement}


def judged(results: Results, comparisons: Sequence[Comparison]) -> list[Judged]:
    """Every comparison's tests; each difference is above 0 where its first variant does better."""
    return [_judged(results, comparison) for comparison in comparisons]


def _judged(results: Results, comparison: Comparison) -> Judged:
    name, first, second = comparison
    minus = f"{first.label} minus {second.label}"
    accuracy = [results.values(v, "test_accuracy") for v in (first, second)]
    gaps = [results.gap(v, "accuracy") for v in (second, first)]
    steady = [results.values(v, "agreement") for v in (first, second)]
    return Judged(
        comparison,
        paired_test(f"{name}, {first.label} recognises more", f"test accuracy, {minus}", accuracy[0], accuracy[1]),
        paired_test(
            f"{name}, {first.label} overfits less", f"gap, {second.label} minus {first.label}", gaps[0], gaps[1]
        ),
        paired_test(f"{name}, {first.label} is steadier", f"same answer, {minus}", steady[0], steady[1]),
    )


def claim_sentences(results: Results, study: Study, found: Sequence[Judged]) -> list[str]:
    """A paragraph a claim, written from the tests."""
    by_name = {one.comparison.name: one for one in found}
    pairs = [by_name[name] for name in POOLED if name in by_name]
    pooled = study.comparisons[0].first
    seeds = seeds_of(max(len(one.accuracy.differences) for one in found))
    return [
        f"{pooled.model} and its matched variants, over {seeds} (± is a 95% interval by Student's t over pairs of runs "
        f"with the same seed; of {3 * len(found)} such tests {0.05 * 3 * len(found):.0f} errs by chance on average):",
        overfitting_sentence(results, pairs),
        overfitting_left(results, pooled),
        claim_sentence(
            "Without pooling a net does worse", "test accuracy, pooling minus no pooling", _tests(pairs, ACCURACY)
        ),
        claim_sentence("Pooling makes answers steadier", STEADIER, _tests(pairs, AGREEMENT)),
        invariance_sentence(results, pooled),
        *(_one(by_name[name]) for name in ("against strides", "with blur", "with global average") if name in by_name),
    ]


def _tests(pairs: Sequence[Judged], which: str) -> dict[str, PairedTest]:
    return {one.comparison.name: one.tests[which] for one in pairs}


def claim_sentence(claim: str, measure: str, tests: Mapping[str, PairedTest]) -> str:
    """The claim, under which comparisons it holds, doesn't, or isn't established, and the numbers."""
    verdicts: dict[str, list[str]] = {}
    for name, test in tests.items():
        verdicts.setdefault(test.verdict, []).append(name)
    told = "; ".join(f"{verdict} {listed(names)}" for verdict, names in verdicts.items())
    return f"{claim}: {told}. {measure[0].upper()}{measure[1:]}: {_numbers(tests)}."


def _numbers(tests: Mapping[str, PairedTest]) -> str:
    return "; ".join(f"{test.numbers()} {name}" for name, test in tests.items())


def overfitting_sentence(results: Results, pairs: Sequence[Judged]) -> str:
    """Whether pooling reduces overfitting, whether its fewer parameters explain it, and how much the nets learnt."""
    tests = _tests(pairs, GAP)
    measure = "the gap between train and test accuracy, no pooling's minus pooling's"
    learnt = {one.comparison.name: _learnt(results, one.comparison) for one in pairs}
    return (
        f"{claim_sentence('Pooling reduces overfitting', measure, tests)}{explained(tests)} A net that has learnt less "
        f"of its training images has less of a gap, whatever its layers: train accuracy, pooling minus no pooling, is "
        f"{_numbers(learnt)}."
    )


def explained(tests: Mapping[str, PairedTest]) -> str:
    """What the pair as it is and the one at equal parameters say together."""
    if tests[POOLED[0]].verdict != "holds" or POOLED[1] not in tests:
        return ""
    if tests[POOLED[1]].verdict == "holds":
        return " So it isn't the number of parameters alone."
    return " So the number of parameters may be all of it."


def _learnt(results: Results, comparison: Comparison) -> PairedTest:
    first, second = (results.values(v, "train_accuracy") for v in (comparison.first, comparison.second))
    return paired_test("The pooled net has learnt more", "train accuracy, pooling minus no pooling", first, second)


def overfitting_left(results: Results, pooled: Variant) -> str:
    """Whether the pooled net still does better on images that it has seen."""
    seen, unseen = (results.values(pooled, f"{which}_accuracy") for which in ("train", "test"))
    left = paired_test("A gap is left with max pooling", "train minus test accuracy", seen, unseen)
    return left.sentence()


def invariance_sentence(results: Results, pooled: Variant) -> str:
    """Whether a shift of one pixel leaves the pooled net's answers as they were, and what all shifts do to them."""
    same = results.values(pooled, "agreement_by_one")
    test = paired_test(
        f"Max pooling makes the net invariant to a shift of 1 pixel ({STEADY:.0%} of its answers stay)",
        f"share that stays minus {STEADY}",
        same,
        dict.fromkeys(same, STEADY),
    )
    stay, right = (_by_pixels(results, pooled, f"shift_{which}") for which in ("agreement", "accuracy"))
    return (
        f"{test.sentence()} Shifted by {listed(PIXELS)} pixels, it keeps {listed(stay)} of its answers and gives the "
        f"right one to {listed(right)} of the images."
    )


def _by_pixels(results: Results, variant: Variant, measure: str) -> list[str]:
    columns = zip(*measurements(runs_of(variant, results.rows), measure), strict=True)
    return [f"{estimate(column).mean:.3f}" for column in columns]


def listed(words: Sequence[object]) -> str:
    """Such as "a, b and c"."""
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def _one(one: Judged) -> str:
    first, second = one.comparison.first.label, one.comparison.second.label
    told = "; ".join(
        f"{word}: {test.verdict} ({test.numbers()})"
        for word, test in (("steadier", one.agreement), ("recognises more", one.accuracy), ("overfits less", one.gap))
    )
    return f"{first[0].upper()}{first[1:]} against {second}: {told}."
