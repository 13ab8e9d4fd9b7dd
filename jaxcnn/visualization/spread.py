"""Moving marks aside so that none covers another."""

from collections.abc import Sequence
from typing import NamedTuple


class Mark(NamedTuple):
    """A mark's centre and the vertical extent of its error bar, in points (1/72 inch)."""

    x: float
    low: float
    high: float


def shifts(marks: Sequence[Mark], radius: float, room: tuple[float, float]) -> list[float]:
    """How far to move each mark sideways so that no two cover each other.

    Marks that would cover one another stand side by side, from left to right by their x and then in the given order,
    around the middle of where they belong. The others stay.

    Args:
      marks: what is drawn.
      radius: half the room that a mark needs, in points.
      room: the left and right end of where marks may be, in points; those standing side by side take half of it at
        most, and more of them stand closer.

    Returns:
      One distance a mark, in points; 0 for a mark that stays.
    """
    crowds = [[i] for i in range(len(marks))]
    while (pair := _first_covering(marks, crowds, radius, room)) is not None:
        kept, merged = pair
        crowds[kept] += crowds.pop(merged)
    places = {i: x for crowd in crowds for i, x in _places(marks, crowd, radius, room).items()}
    return [places[i] - mark.x for i, mark in enumerate(marks)]


def _places(marks: Sequence[Mark], crowd: Sequence[int], radius: float, room: tuple[float, float]) -> dict[int, float]:
    """Where the marks of a crowd stand."""
    if len(crowd) == 1:
        return {crowd[0]: marks[crowd[0]].x}
    left, right = room
    half = min(radius, (right - left) / (4 * len(crowd)))
    middle = sum(marks[i].x for i in crowd) / len(crowd)
    start = min(max(middle - len(crowd) * half, left), right - 2 * len(crowd) * half) + half
    ordered = sorted(crowd, key=lambda i: (marks[i].x, i))
    return {i: start + 2 * half * place for place, i in enumerate(ordered)}


def _first_covering(
    marks: Sequence[Mark], crowds: Sequence[Sequence[int]], radius: float, room: tuple[float, float]
) -> tuple[int, int] | None:
    placed = [[marks[i]._replace(x=x) for i, x in _places(marks, crowd, radius, room).items()] for crowd in crowds]
    pairs = ((a, b) for b in range(len(crowds)) for a in range(b))
    return next(((a, b) for a, b in pairs if any(_cover(p, q, radius) for p in placed[a] for q in placed[b])), None)


def _cover(first: Mark, second: Mark, radius: float) -> bool:
    # A hundredth of a point forgives rounding between marks that stand exactly side by side.
    return (
        abs(first.x - second.x) < 2 * radius - 0.01
        and first.low - second.high < 2 * radius
        and second.low - first.high < 2 * radius
    )
