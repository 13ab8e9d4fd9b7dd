"""What a reshape does to a receptive field: which old axes became which new ones."""

import math
from collections.abc import Iterator
from dataclasses import replace

from jaxcnn.analysis.receptive_field import Field, Span, Walk, each

Shape = tuple[int, ...]
Axes = tuple[int, ...]


def reshaped(field: Field, old: Shape, new: Shape) -> Field:
    """The field of an array of shape `old` after `reshape` to `new`; unknown where axes are regrouped."""
    groups = list(axis_groups(old, new))
    return each(field, lambda span: reshaped_span(span, groups, old, new))


def axis_groups(old: Shape, new: Shape) -> Iterator[tuple[Axes, Axes]]:
    """The smallest groups of neighbouring axes, old and new, that hold the same number of elements."""
    i = j = 0
    while i < len(old) or j < len(new):
        a, b = i, j
        i, j = min(i + 1, len(old)), min(j + 1, len(new))
        while math.prod(old[a:i]) != math.prod(new[b:j]):
            i, j = (i + 1, j) if math.prod(old[a:i]) < math.prod(new[b:j]) else (i, j + 1)
        yield tuple(range(a, i)), tuple(range(b, j))


def reshaped_span(span: Span, groups: list[tuple[Axes, Axes]], old: Shape, new: Shape) -> Span | None:
    """A span with each walk moved to the new axes of its group."""
    walks: tuple[Walk, ...] = ()
    for walk in span.walks:
        old_axes, new_axes = next(group for group in groups if walk.axis in group[0])
        moved = regrouped(walk, old_axes, new_axes, old, new)
        if moved is None:
            return None
        walks += moved
    return replace(span, walks=walks)


def regrouped(walk: Walk, old_axes: Axes, new_axes: Axes, old: Shape, new: Shape) -> tuple[Walk, ...] | None:
    """One walk on the new axes: renamed, split, merged, or None where it is none of these."""
    if old[walk.axis] == 1:
        return tuple(replace(walk, axis=axis) for axis in new_axes if new[axis] == 1)[:1]
    old_axes = tuple(axis for axis in old_axes if old[axis] != 1)
    new_axes = tuple(axis for axis in new_axes if new[axis] != 1)
    if len(old_axes) == len(new_axes) == 1:
        return (replace(walk, axis=new_axes[0]),)
    if len(old_axes) == 1:
        return split(walk, new_axes, new) if walk.regular else None
    return (merged(walk, old_axes, new_axes[0], old),) if len(new_axes) == 1 else None


def split(walk: Walk, axes: Axes, shape: Shape) -> tuple[Walk, ...]:
    """An axis cut into several: each walks in steps of all that follows it."""
    below = [math.prod(shape[a] for a in axes[n + 1 :]) for n in range(len(axes))]
    return tuple(
        replace(walk, axis=axis, step=walk.step * n, count=shape[axis]) for axis, n in zip(axes, below, strict=True)
    )


def merged(walk: Walk, old_axes: Axes, axis: int, shape: Shape) -> Walk:
    """An axis joined with others: the leading one still advances evenly, the others start again and again."""
    if walk.axis != old_axes[0]:
        return replace(walk, axis=axis, regular=False)
    below = math.prod(shape[a] for a in old_axes[1:])
    grid = max(walk.grid, abs(walk.step))
    return replace(walk, axis=axis, step=walk.step / below, count=walk.count * below, grid=grid)
