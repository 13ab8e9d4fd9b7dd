"""What a count leaves out, in words."""

from collections.abc import Iterable
from typing import Any

from jaxcnn.analysis.equations import Event, exhausted, opened, walk


def notes_on(events: Iterable[Event]) -> tuple[str, ...]:
    """One sentence for each kind of equation whose multiply-accumulates are not all counted."""
    return tuple(dict.fromkeys(note for event in events if (note := note_on(event.equation))))


def note_on(equation: Any) -> str | None:
    """What the count leaves out of one equation."""
    if not any(jaxpr_macs(value) for value in equation.params.values()):
        return None
    if equation.primitive.name == "while":
        return "the MACs of a while loop count one iteration"
    return f"the MACs inside {equation.primitive.name} are not counted"


def jaxpr_macs(value: Any) -> int:
    """Multiply-accumulates of a jaxpr; 0 for what is none."""
    jaxpr = opened(value)
    return exhausted(walk(jaxpr, [None] * len(jaxpr.invars), None))[0] if jaxpr else 0
