"""What the verdicts of several comparisons say together."""

import pytest

from experiments.harness.paired_tests import PairedTest
from experiments.harness.pooling_claims import POOLED, claim_sentence, explained, listed

YES, NO, OPEN = [0.010, 0.011], [-0.010, -0.011], [0.010, -0.011]


def pairs_of(*differences):
    return {name: PairedTest(name, "m", found) for name, found in zip(POOLED, differences, strict=True)}


@pytest.mark.parametrize(
    ("differences", "says"),
    [
        (
            (YES, YES, YES, YES),
            "holds as they are, at equal parameters, at equal compute and at equal receptive field.",
        ),
        (
            (YES, OPEN, NO, OPEN),
            "holds as they are; not established with 2 seeds at equal parameters and at equal receptive field; "
            "does not hold at equal compute.",
        ),
    ],
)
def test_verdicts_are_grouped(differences, says):
    sentence = claim_sentence("A beats B", "accuracy", pairs_of(*differences))
    assert sentence.startswith(f"A beats B: {says} Accuracy: +0.0105 ± 0.0064, p = 0.03 as they are; ")


@pytest.mark.parametrize(
    ("differences", "says"),
    [
        ((YES, YES, OPEN, OPEN), " So it isn't the number of parameters alone."),
        ((YES, OPEN, YES, YES), " So the number of parameters may be all of it."),
        ((OPEN, YES, YES, YES), ""),
    ],
)
def test_what_equal_parameters_explain(differences, says):
    assert explained(pairs_of(*differences)) == says


def test_lists():
    assert (listed(["a"]), listed([1, 2, 3])) == ("a", "1, 2 and 3")
