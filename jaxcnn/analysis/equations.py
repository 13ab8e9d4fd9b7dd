"""A walk over the equations of a jaxpr, through the jaxprs nested in it.

Types are matched by shape, not by class: JAX's own classes for jaxprs are not public.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from jaxcnn.analysis.dataflow import not_understood, propagate
from jaxcnn.analysis.macs import equation_macs
from jaxcnn.analysis.receptive_field import Field, each, joined, moved, unknown

Fields = list[Field]

# A carry that still grows after this many steps of a scan is given up as unknown.
SCAN_STEPS = 1000


@dataclass(frozen=True)
class Event:
    """One equation as the program meets it: where, how often, on what operands' fields, with what results' fields."""

    equation: Any
    scopes: str
    times: int
    operands: Fields
    results: Fields


Events = Generator[Event, None, Fields]


def walk(jaxpr: Any, fields: Fields, batch_axis: int | None, scopes: str = "", times: int = 1) -> Events:
    """Yield an event for every equation, in order; return the fields of the jaxpr's results.

    Loops are walked once: a scan's events count `length` times, a while loop's once. Of a conditional, the branch
    with the most multiply-accumulates is walked.
    """
    env: dict[Any, Field] = dict(zip(jaxpr.invars, fields, strict=True))
    for equation in jaxpr.eqns:
        operands = [None if hasattr(atom, "val") else env.get(atom) for atom in equation.invars]
        inner = f"{scopes}/{equation.source_info.name_stack}"
        results = yield from visit(equation, operands, batch_axis, inner, times)
        env.update(zip(equation.outvars, results, strict=True))
    return [None if hasattr(atom, "val") else env.get(atom) for atom in jaxpr.outvars]


def visit(equation: Any, operands: Fields, batch_axis: int | None, scopes: str, times: int) -> Events:
    """Walk one equation: itself, or what is nested in it."""
    name, body = equation.primitive.name, called(equation)
    if name == "scan":
        return (yield from scan(equation, operands, batch_axis, scopes, times))
    if name == "cond":
        return (yield from cond(equation, operands, batch_axis, scopes, times))
    if name == "while":
        body = opened(equation.params["body_jaxpr"])
        given = operands[equation.params["cond_nconsts"] :]
        yield from walk(body, given, batch_axis, scopes, times)
        results = not_understood(equation, operands)
    elif body is not None:
        return (yield from walk(body, operands, batch_axis, scopes, times))
    else:
        results = propagate(equation, operands, batch_axis)
    yield Event(equation, scopes, times, operands, results)
    return results


def opened(value: Any) -> Any:
    """The jaxpr in a closed jaxpr, or None for what is no jaxpr."""
    value = getattr(value, "jaxpr", value)
    return value if hasattr(value, "eqns") else None


def called(equation: Any) -> Any:
    """The jaxpr that an equation calls with its own operands (jit, remat, custom derivatives), if there is one."""
    bodies = [opened(value) for value in equation.params.values()]
    found = [body for body in bodies if body is not None and same_interface(body, equation)]
    return found[0] if found else None


def same_interface(body: Any, equation: Any) -> bool:
    """Whether a jaxpr takes and gives exactly the shapes of an equation; a reducer, on scalars, does not."""
    pairs = [(body.invars, equation.invars), (body.outvars, equation.outvars)]
    return all([v.aval.shape for v in inner] == [v.aval.shape for v in outer] for inner, outer in pairs)


def cond(equation: Any, operands: Fields, batch_axis: int | None, scopes: str, times: int) -> Events:
    """Walk the costliest branch; what any branch sees, the result sees."""
    branches = [opened(branch) for branch in equation.params["branches"]]
    walks = [exhausted(walk(branch, operands[1:], batch_axis)) for branch in branches]
    costliest = max(range(len(branches)), key=lambda n: walks[n][0])
    yield from walk(branches[costliest], operands[1:], batch_axis, scopes, times)
    return [joined(list(results)) for results in zip(*[fields for _, fields in walks], strict=True)]


def scan(equation: Any, operands: Fields, batch_axis: int | None, scopes: str, times: int) -> Events:
    """Walk the body once, as the last step sees it; a sequence that is scanned over is seen in whole."""
    body, length = opened(equation.params["jaxpr"]), equation.params["length"]
    consts, carries = scan_parts(body, equation)
    fixed, carry = operands[:consts], operands[consts : consts + carries]
    sliced = [shifted(field, -1) for field in operands[consts + carries :]]
    for _ in range(min(length - 1, SCAN_STEPS)):
        _, results = exhausted(walk(body, [*fixed, *carry, *sliced], batch_axis))
        before, carry = carry, results[:carries]
        if carry == before:
            break
    else:
        carry = carry if length <= SCAN_STEPS else [unknown(field) for field in carry]
    results = yield from walk(body, [*fixed, *carry, *sliced], batch_axis, scopes, times * length)
    return [*results[:carries], *(shifted(field, 1) for field in results[carries:])]


def scan_parts(body: Any, equation: Any) -> tuple[int, int]:
    """How many constants and carries a scan has; what it scans over has one more axis outside than in its body.

    JAX 0.11 renamed the parameters that say so.
    """
    carries = sum(
        inner.aval.ndim == outer.aval.ndim for inner, outer in zip(body.outvars, equation.outvars, strict=True)
    )
    whole = sum(inner.aval.ndim == outer.aval.ndim for inner, outer in zip(body.invars, equation.invars, strict=True))
    return whole - carries, carries


def shifted(field: Field, by: int) -> Field:
    """A field with its leading axis taken in whole and dropped (−1), or with a new one before it (1)."""
    return each(field, lambda span: moved(span, {w.axis: w.axis + by for w in span.walks if w.axis + by >= 0}))


def exhausted(events: Events) -> tuple[int, Fields]:
    """Multiply-accumulates and result fields of a walk whose events nobody else needs."""
    macs = 0
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return macs, end.value
        macs += event.times * equation_macs(event.equation)
