"""Sizes with which one net comes nearest to another in parameters or in multiply-accumulates."""

from collections.abc import Callable
from typing import NamedTuple

MOST_CHANNELS = 128  # of the first convolution

Channels = tuple[int, int]


def hidden_for_params(params: int, features: int, classes: int) -> int:
    """The width of one hidden layer between `features` and `classes` that comes nearest to `params` parameters."""
    return max(1, round((params - classes) / (features + 1 + classes)))


def hidden_for_macs(macs: int, features: int, classes: int) -> int:
    """The same for multiply-accumulates."""
    return max(1, round(macs / (features + classes)))


class Layout(NamedTuple):
    """What two convolutions and two dense layers see, whatever their widths.

    Attributes:
      taps: numbers in one kernel of the first convolution, all its input channels.
      window: numbers in one kernel of the second, a channel.
      first: cells of a map of the first convolution.
      second: cells of a map of the second.
      kept: cells of such a map that reach the first dense layer.
      hidden: units of the first dense layer.
      classes: units of the last.
    """

    taps: int
    window: int
    first: int
    second: int
    kept: int
    hidden: int
    classes: int

    def params(self, channels: Channels) -> int:
        """K·F²·D + K of each convolution, and weights and biases of the dense layers."""
        a, b = channels
        convolutions = (self.taps + 1) * a + (self.window * a + 1) * b
        return convolutions + (self.kept * b + 1) * self.hidden + (self.hidden + 1) * self.classes

    def macs(self, channels: Channels) -> int:
        """Multiply-accumulates for one image."""
        a, b = channels
        convolutions = self.first * self.taps * a + self.second * self.window * a * b
        return convolutions + self.kept * b * self.hidden + self.hidden * self.classes


def channels_for(size: Callable[[Channels], int], target: int) -> Channels:
    """Channels of both convolutions, the second twice as many as the first give or take one, nearest to `target`."""
    pairs = [(first, 2 * first + more) for first in range(1, MOST_CHANNELS + 1) for more in (-1, 0, 1)]
    return min(pairs, key=lambda pair: abs(size(pair) - target))
