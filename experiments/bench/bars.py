"""What the benchmark is held to, and which of its rows fall short: sentences made from the numbers alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from experiments.bench.rows import APART, OURS, TOGETHER, WARM
from experiments.bench.tables import cases_of, contenders_of, geometric_mean, step_ratios

Rows = Sequence[Mapping[str, Any]]
GRADIENT = "gradient"  # in the labels of the cases that have one


class Found(NamedTuple):
    """A case's figure, and what it is beside; None where ours failed or has none to be judged by."""

    case: str
    value: float | None
    beside: str = ""


class Bar(NamedTuple):
    """What is asked of every case that `found` lists: at least the limit, or at most."""

    words: str
    limit: float
    found: Callable[[Rows], Iterator[Found]]
    at_most: bool = False


def bars_held_to(rows: Rows) -> list[str]:
    """A line a bar: met, missed in which cases and by how much, or not measured."""
    return [verdict(bar, list(bar.found(rows))) for bar in BARS]


def verdict(bar: Bar, found: Sequence[Found]) -> str:
    """The bar's line."""
    words = f"{bar.words}: {'at most' if bar.at_most else 'at least'} {bar.limit:g}"
    if not found:
        return f"- {words}. Not measured."
    missed = [one for one in found if not is_met(bar, one.value)]
    if not missed:
        values = [one.value for one in found if one.value is not None]
        return f"- {words}. Met in {len(found)} of {len(found)}, at worst {(max if bar.at_most else min)(values):.3g}."
    return f"- {words}. **Missed in {len(missed)} of {len(found)}**: {'; '.join(map(shown, missed))}."


def is_met(bar: Bar, value: float | None) -> bool:
    """Whether the figure itself, not a rounded one, reaches the limit; what failed doesn't."""
    return value is not None and (value <= bar.limit if bar.at_most else value >= bar.limit)


def shown(found: Found) -> str:
    """Such as "convnet none, batch 64: 0.66 (Keras-TF)"."""
    value = "failed" if found.value is None else f"{found.value:.3g}"
    return f"{found.case} {value}" + (f" ({found.beside})" if found.beside else "")


def _ours(rows: Rows, section: str) -> Iterator[tuple[str, Mapping[str, Any], dict[str, Mapping[str, Any]]]]:
    """The section's cases that ours took part in: name, our row, everybody's rows."""
    for (label, batch), by_name in cases_of(rows, section).items():
        if OURS in by_name:
            yield f"{label}, batch {batch}:", by_name[OURS], by_name


def _step_ratios(rows: Rows) -> Iterator[Found]:
    for case, ours, _ in _ours(rows, "step"):
        if ours["ratio"] or not ours["ms"]:
            yield Found(case, ours["ratio"], ours["fastest_other"] or "")


def _mean(rows: Rows) -> Iterator[Found]:
    if ratios := step_ratios(rows):
        yield Found("it is", geometric_mean(ratios))


def _to_flax(rows: Rows) -> Iterator[Found]:
    for case, ours, _ in _ours(rows, "step"):
        if case.startswith("convnet ") and (ours["ratio_to_flax"] or not ours["ms"]):
            yield Found(case, ours["ratio_to_flax"])


def _shares(rows: Rows) -> Iterator[Found]:
    for case, ours, _ in _ours(rows, "step"):
        if case.startswith("convnet none"):
            yield Found(case, ours["share_of_peak"])


def _loops(rows: Rows) -> Iterator[Found]:
    ms = {label: by_name[OURS]["ms"] for (label, _), by_name in cases_of(rows, "loop").items() if OURS in by_name}
    for label, outside in ms.items():
        if label.endswith(", a call a step"):
            name = label.removesuffix(", a call a step")
            yield Found(f"{name}:", _quotient(ms.get(f"{name}, inside fori_loop"), outside))


def _transposed(rows: Rows) -> Iterator[Found]:
    for case, ours, by_name in _ours(rows, "conv_transpose"):
        if GRADIENT in case and "PyTorch" in by_name and by_name["PyTorch"]["ms"]:
            yield Found(case, _quotient(ours["ms"], by_name["PyTorch"]["ms"]))


def _memory(rows: Rows) -> Iterator[Found]:
    for case, ours, by_name in _ours(rows, "start"):
        if "PyTorch" in by_name and by_name["PyTorch"]["peak_bytes"]:
            yield Found(case, _quotient(ours["peak_bytes"], by_name["PyTorch"]["peak_bytes"]))


def _first_steps(rows: Rows) -> Iterator[Found]:
    for (label, _), by_name in cases_of(rows, "first_step").items():
        yield Found(f"{label}:", by_name[WARM]["first_seconds"])


def _end_to_end(rows: Rows) -> Iterator[Found]:
    for case, ours, _ in _ours(rows, "end_to_end"):
        yield Found(case, ours["ratio"], ours["fastest_other"] or "")


def _seeds(rows: Rows) -> Iterator[Found]:
    for (label, batch), by_name in cases_of(rows, "seeds").items():
        yield Found(f"{label}, batch {batch}:", _quotient(by_name[TOGETHER]["ms"], by_name[APART]["ms"]))


def _quotient(ours: float | None, other: float | None) -> float | None:
    return ours / other if ours and other else None


BARS = (
    Bar("Every training step, times as fast as the fastest other contender", 1.0, _step_ratios),
    Bar("Geometric mean of these", 1.25, _mean),
    Bar("Training steps of both convnets, times as fast as Flax", 3.0, _to_flax),
    Bar("Training steps of convnet none, of the matrix product's peak", 0.5, _shares),
    Bar("Training steps of convnet inside a loop, of the time outside", 1.1, _loops, at_most=True),
    Bar("Gradients of transposed convolutions, of PyTorch's time", 1.5, _transposed, at_most=True),
    Bar("Peak memory, of PyTorch's", 1.0, _memory, at_most=True),
    Bar(
        "From the call of fit to the end of its first step, with a warm cache, seconds", 2.0, _first_steps, at_most=True
    ),
    Bar("End to end, times as fast as the fastest other contender", 1.0, _end_to_end),
    Bar("Several seeds at once, of the time of as many single runs", 1.0, _seeds, at_most=True),
)


def bars_section(rows: Rows) -> list[str]:
    """The section of docs/benchmark.md, in paragraphs."""
    others = [name for name in contenders_of(rows, "step") if name != OURS]
    told = f"What this is held to, and every row that falls short. The others in it: {', '.join(others) or 'none'}."
    return ["## Bars", "", told, "", *bars_held_to(rows), ""]
