"""Sizes that match, by hand."""

from experiments.harness.matching import Layout, channels_for, hidden_for_macs, hidden_for_params


def test_widths_by_hand():
    # One hidden unit of a 2-h-3 net has 2 + 1 + 3 parameters and 2 + 3 multiply-accumulates; 3 biases are the output's.
    assert hidden_for_params(7 * 6 + 3, 2, 3) == 7
    assert hidden_for_macs(7 * 5, 2, 3) == 7
    assert hidden_for_params(1, 2, 3) == 1


def test_a_layout_counts_as_the_lecture_does():
    # The second lecture's net, pooled: 78 + 456 + 8,148 + 850 parameters.
    pooled = Layout(taps=25, window=25, first=24 * 24, second=8 * 8, kept=16, hidden=84, classes=10)
    assert pooled.params((3, 6)) == 78 + 456 + 8_148 + 850
    assert pooled.macs((3, 6)) == 576 * 75 + 64 * 450 + 96 * 84 + 840


def test_channels_are_the_nearest_of_about_one_to_two():
    assert channels_for(lambda pair: pair[0] * pair[1], 4 * 9) == (4, 9)
    assert channels_for(lambda pair: sum(pair), 1) == (1, 1)
