"""What windows meet at the borders and how they overlap, in words: the text of `geometry.explain_padding`."""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

# Longer lists of positions are named by their ends.
MOST_LISTED = 8


class Axis(NamedTuple):
    """One spatial dimension of a window's walk, in pixels; `span` is the dilated window, `pad` (low, high)."""

    size: int
    window: int
    stride: int
    dilation: int
    pad: tuple[int, int]
    span: int
    cells: int

    def seen(self, cell: int) -> range:
        """The positions that a window looks at; those below 0 or from `size` on are padding."""
        start = cell * self.stride - self.pad[0]
        return range(start, start + self.span, self.dilation)

    def windows_of(self) -> np.ndarray:
        """How many windows see each pixel: the taps that it gets when the convolution is transposed."""
        low, high = self.pad
        starts = np.zeros(low + self.size + high, int)
        starts[: self.cells * self.stride : self.stride] = 1
        # A pixel's windows start at it, a dilation before it, and so on: sums along that step, less those too far back.
        step = min(self.dilation, starts.size)
        rows = np.pad(starts, (0, -starts.size % step)).reshape(-1, step)
        sums = rows.cumsum(axis=0).ravel()
        sums[self.window * step :] -= sums[: -self.window * step].copy()
        return sums[low : low + self.size]

    def pattern(self) -> list[int]:
        """`windows_of` away from the borders, for a stride's worth of pixels from the first one on."""
        counts = np.bincount(np.arange(self.window) * self.dilation % self.stride, minlength=self.stride)
        return np.roll(counts, -self.pad[0]).tolist()

    def padded_by(self, low: int, high: int) -> "Axis":
        """The same walk over other padding."""
        cells = (self.size + low + high - self.span) // self.stride + 1
        return self._replace(pad=(low, high), cells=cells)


def explain_axes(axes: Sequence[Axis], word: str) -> str:
    """A paragraph for each dimension; `word` is the padding in capitals, or "" where it was given in numbers."""
    lines = [line for number, axis in enumerate(axes) for line in _explain(number, axis, word)]
    patterns = [axis.pattern() for axis in axes]
    if len(axes) > 1 and any(map(_is_uneven, patterns)):
        low, high = math.prod(map(min, patterns)), math.prod(map(max, patterns))
        lines.append(
            f"all dimensions together: transposed, a pixel gets {low} to {high} taps (the dimensions multiply)"
        )
    return "\n".join(lines)


def listed(numbers: Sequence[Any] | np.ndarray) -> str:
    """Every number where they are few, else the first two and the last."""
    shown = numbers if len(numbers) <= MOST_LISTED else [*numbers[:2], "…", numbers[-1]]
    return ", ".join(map(str, shown))


def _explain(number: int, axis: Axis, word: str) -> list[str]:
    low, high = axis.pad
    counts = axis.windows_of()
    dropped = np.flatnonzero(counts == 0)
    where = f" (positions {listed(dropped)})" if 0 < len(dropped) <= MOST_LISTED else ""
    # Dilated windows may interleave without a common pixel.
    shared = 0 if axis.stride % axis.dilation else max(axis.window - axis.stride // axis.dilation, 0)
    return [
        f"dimension {number}: {axis.size} pixels, window {axis.window}, stride {axis.stride}, dilation {axis.dilation} "
        f"-> {axis.cells} cells",
        f"  padding {f'{word}: ' if word else ''}{low} before, {high} after",
        f"  {axis.size - len(dropped)} of {axis.size} pixels are covered, {len(dropped)} dropped{where}",
        f"  neighbouring windows share {shared or 'no'} pixels; "
        f"a pixel lies in {counts.min()} to {counts.max()} windows",
        *([_symmetric(axis, word)] if word in ("SAME", "SAME_LOWER") else []),
        _transposed(axis),
    ]


def _symmetric(axis: Axis, word: str) -> str:
    """How SAME as TF and Keras mean it differs from a padding that is the same on both sides."""
    less, more = sorted(axis.pad)
    if less == more:
        return f"  TF, Keras and a symmetric padding={more} (PyTorch's habit) agree here"
    theirs, symmetric = axis.padded_by(less, more), axis.padded_by(more, more)
    turned = "" if word == "SAME" else "the other way round, "
    return (
        f"  TF and Keras pad {turned}{less} before and {more} after: {_first_cell(theirs)}; "
        f"a symmetric padding={more} (PyTorch's habit) looks {more - less} earlier: {_first_cell(symmetric)}"
    )


def _first_cell(axis: Axis) -> str:
    return f"{axis.cells} cells, the first at pixels {listed(axis.seen(0))}"


def _transposed(axis: Axis) -> str:
    """Whether every pixel gets as many taps as its neighbours from a transposed convolution, and what to do if not."""
    pattern = axis.pattern()
    if not _is_uneven(pattern):
        return f"  transposed, every pixel away from the borders gets {pattern[0]} taps: even, no checkerboard"
    least, most = min(pattern), max(pattern)
    lower = axis.window // axis.stride * axis.stride
    windows = " or ".join(str(window) for window in (lower, lower + axis.stride) if window)
    between = "or" if most - least == 1 else "to"
    return (
        f"  transposed, a pixel away from the borders gets {least} {between} {most} taps in "
        f"{_repeating(pattern)}: uneven, a checkerboard (Odena, Dumoulin and Olah, 2016); cure: a window divisible by "
        f"the stride, such as {windows}{_coprime(axis)}, or resize, then convolve"
    )


def _is_uneven(pattern: Sequence[int]) -> bool:
    return min(pattern) != max(pattern)


def _repeating(pattern: Sequence[int]) -> str:
    """The pattern; a long one as so many of each in a row, or, where even that is long, its length."""
    if len(pattern) <= MOST_LISTED:
        return f"the repeating pattern {', '.join(map(str, pattern))}"
    starts = [0, *(np.flatnonzero(np.diff(pattern)) + 1).tolist(), len(pattern)]
    if len(starts) > MOST_LISTED:
        return f"a pattern that repeats every {len(pattern)} pixels"
    runs = [f"{end - start} × {pattern[start]}" for start, end in itertools.pairwise(starts)]
    return f"the repeating pattern {', '.join(runs)}"


def _coprime(axis: Axis) -> str:
    shares = math.gcd(axis.stride, axis.dilation) > 1
    return " and a dilation that shares no factor with the stride" if shares else ""
