"""Receptive fields: which stretch of the input one cell of an array sees.

Along every axis of the input, a cell at index i of an array axis that walks along it sees the `size` input elements
from `start + i · step`. The recurrence of the literature, size += (k − 1) · jump and jump *= stride, is then a
statement about such spans, and pads, slices, reshapes and concatenations are too. Sizes are theoretical: what a
convolution sees of its padding counts, while whatever takes in a whole axis sees no more than there is of the input.

Source: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Walk:
    """How one axis of an array walks along one axis of the input.

    `grid` is the distance between the input positions that cells really stand on: larger than `step` after input
    dilation or repetition, where neighbours share a position. `regular` is False where an index means more than one
    thing, as after flattening.
    """

    axis: int
    step: Fraction
    count: int
    grid: Fraction
    regular: bool = True


@dataclass(frozen=True)
class Span:
    """What a cell sees along one axis of the input, `length` elements long."""

    length: int
    start: Fraction
    size: Fraction
    walks: tuple[Walk, ...]

    def along(self, *axes: int) -> tuple[Walk, ...]:
        """The walks of some array axes."""
        return tuple(walk for walk in self.walks if walk.axis in axes)

    @property
    def pixels(self) -> int:
        """The size as a whole number of input elements."""
        return math.ceil(self.size)


Field = tuple[Span | None, ...] | None
"""One span for each axis of the input (None: unknown); None for what does not depend on the input."""


def source(shape: tuple[int, ...]) -> Field:
    """The field of the input itself: every element sees itself."""
    one = Fraction(1)
    return tuple(Span(n, Fraction(0), one, (Walk(axis, one, n, one),)) for axis, n in enumerate(shape))


def unknown(field: Field) -> Field:
    """The field of something that depends on the input in a way that is not understood."""
    return None if field is None else (None,) * len(field)


def each(field: Field, change: Callable[[Span], Span | None]) -> Field:
    """A field with every known span changed."""
    return None if field is None else tuple(None if span is None else change(span) for span in field)


def consumed(span: Span, *axes: int) -> Span:
    """The span of a cell that takes in whole array axes."""
    taken = span.along(*axes)
    kept = tuple(walk for walk in span.walks if walk not in taken)
    for walk in taken:
        span = widened(span, walk, math.floor((walk.count - 1) * abs(walk.step) / walk.grid) * walk.grid)
    span = replace(span, walks=kept)
    return span if kept or not taken else clipped(span)


def widened(span: Span, walk: Walk, reach: Fraction) -> Span:
    """A span that reaches further in the direction of a walk."""
    start = span.start if walk.step > 0 else span.start - reach
    return replace(span, start=start, size=span.size + reach)


def clipped(span: Span) -> Span:
    """The part of a span that lies inside the input."""
    stop = min(Fraction(span.length), span.start + span.size)
    start = max(Fraction(0), span.start)
    return replace(span, start=start, size=max(Fraction(0), stop - start))


def whole(span: Span) -> Span:
    """The span that all cells see together."""
    return consumed(span, *(walk.axis for walk in span.walks))


def moved(span: Span, axes: Mapping[int, int]) -> Span:
    """The span of the same cells in an array whose axes are numbered anew; axes left out are taken in whole."""
    span = consumed(span, *(walk.axis for walk in span.walks if walk.axis not in axes))
    return replace(span, walks=tuple(replace(walk, axis=axes[walk.axis]) for walk in span.walks))


def union(a: Field, b: Field) -> Field:
    """The field of a cell that depends on one cell of each of two arrays of the same shape."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(None if p is None or q is None else span_union(p, q) for p, q in zip(a, b, strict=True))


def joined(fields: list[Field]) -> Field:
    """The union of any number of fields."""
    return functools.reduce(union, fields, None)


def span_union(a: Span, b: Span) -> Span:
    """The smallest span around two; where they do not walk together, around all that either sees."""
    steps, others = ({walk.axis: walk.step for walk in span.walks} for span in (a, b))
    if steps != others:
        a, b = whole(a), whole(b)
    start = min(a.start, b.start)
    walks = tuple(
        replace(walk, grid=max(w.grid for w in (*a.along(walk.axis), *b.along(walk.axis)))) for walk in a.walks
    )
    size = max(a.start + a.size, b.start + b.size) - start
    grids = {walk.grid for span in (a, b) for walk in span.walks}
    if len(grids) == 1:
        size = min(joint_size(a, b, *grids), joint_size(b, a, *grids))
    return replace(a, start=start, size=size, walks=walks)


def joint_size(a: Span, b: Span, grid: Fraction) -> Fraction:
    """The size of a cell's span with another's that stands on the same grid: at best, its ends are a grid line on."""
    before, after = a.start - b.start, b.start + b.size - a.start - a.size
    return a.size + sum(math.ceil(max(reach, 0) / grid) for reach in (before, after)) * grid


def window(
    span: Span,
    axis: int,
    taps: int = 1,
    *,
    count: int,
    stride: int = 1,
    pad_low: int = 0,
    dilation: int = 1,
    input_dilation: int = 1,
) -> Span | None:
    """The span behind a window of `taps` that slides along one array axis into `count` positions."""
    walks = span.along(axis)
    if all((taps, stride, pad_low, count) == (1, 1, 0, walk.count) for walk in walks):
        return span
    walk, *others = walks
    if others or not walk.regular:
        return None
    fine = walk.step / input_dilation
    grid = walk.grid if input_dilation == 1 else max(walk.grid, abs(walk.step))
    reach = math.ceil(real_reach(taps, dilation, input_dilation) * abs(walk.step) / grid) * grid
    slid = replace(walk, step=fine * stride, grid=grid, count=count)
    span = replace(span, start=span.start - pad_low * fine, walks=tuple(slid if w is walk else w for w in span.walks))
    return widened(span, walk, reach)


def real_reach(taps: int, dilation: int, input_dilation: int) -> int:
    """Elements from the first to the last one that the taps of a window meet, at best, in a dilated input."""
    met = [
        [t * dilation for t in range(taps) if (t * dilation + phase) % input_dilation == 0]
        for phase in range(input_dilation)
    ]
    return max((positions[-1] - positions[0]) // input_dilation for positions in met if positions)


def reversed_along(span: Span, axis: int) -> Span:
    """The span of the same cells with one array axis turned round."""
    turned = tuple(replace(walk, step=-walk.step) if walk.axis == axis else walk for walk in span.walks)
    return replace(span, start=span.start + sum((w.count - 1) * w.step for w in span.along(axis)), walks=turned)
