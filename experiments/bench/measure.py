"""Measuring: processes started for a group of cases, each case prepared by all, then timed in turns."""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from experiments.bench.cases import Item
from experiments.bench.counts import flops_of
from experiments.bench.rows import Row, blank_row, rows_of
from experiments.bench.timing import Run, RunError, take_turns
from experiments.bench.workers import Contender, Worker

MATMUL = {"kind": "matmul", "size": 2048}


def measured(items: Sequence[Item], contenders: Sequence[Contender], *, seconds: float, peak: float) -> Iterator[Row]:
    """The rows of the items, group after group.

    Args:
      items: what to time.
      contenders: who may take part; those that can't do an item's kind of work stay out of it.
      seconds: of timing a contender and item.
      peak: the machine's floating-point operations a second.
    """
    for _, group in itertools.groupby(sorted(items, key=lambda item: _first(items, item)), lambda item: item.group):
        several = list(group)
        wanted = [c for c in contenders if any(not item.contenders or c.name in item.contenders for item in several)]
        with ExitStack() as stack:
            workers = [stack.enter_context(Worker(contender)) for contender in wanted]
            for item in several:
                print(f"{item.section}: {item.label}, batch {item.batch}", file=sys.stderr)
                yield from time_item(item, workers, seconds=seconds, peak=peak)


def _first(items: Sequence[Item], item: Item) -> int:
    """Where the item's group begins: sorted by it, groups stay together and keep their order."""
    return next(index for index, other in enumerate(items) if other.group == item.group)


def time_item(item: Item, workers: Sequence[Any], *, seconds: float, peak: float) -> list[Row]:
    """The item's rows; a contender that fails has a row that says how."""
    case = {"section": item.section, "label": item.label, "batch": item.batch}
    able = [w for w in workers if item.work["kind"] in w.kinds and (not item.contenders or w.name in item.contenders)]
    answers = {worker.name: prepared(worker, item.work) for worker in able}
    ready = {w.name: runner(w) for w in able if "error" not in answers[w.name]}
    least = {name: answers[name]["steps_a_call"] for name in ready}
    timings, failed = take_turns(ready, seconds=seconds, least=least)
    errors = {name: answer["error"] for name, answer in answers.items() if "error" in answer} | failed
    told = {w.name: {"form": answers[w.name]["form"], "versions": w.versions} for w in able if w.name in timings}
    rows = rows_of(case, timings, told, flops=flops_of(item.work), peak=peak)
    return [*rows, *(blank_row(case, name, error=error) for name, error in errors.items())]


def prepared(worker: Any, work: Mapping[str, Any]) -> dict[str, Any]:
    """What the worker answers: the form that it kept, and how many steps a call of it takes; or its error."""
    return worker.ask({"do": "prepare", "case": dict(work)})


def runner(worker: Any) -> Run:
    """Seconds of n steps of a prepared worker."""

    def run(steps: int) -> float:
        answer = worker.ask({"do": "run", "steps": steps})
        if "error" in answer:
            raise RunError(answer["error"])
        return answer["seconds"]

    return run


def matmul_peak(
    contenders: Sequence[Contender], *, seconds: float, start: Callable[[Contender], Any] = Worker
) -> dict[str, float]:
    """Floating-point operations a second in a square float32 matrix product: each contender's best turn."""
    with ExitStack() as stack:
        workers = [stack.enter_context(start(contender)) for contender in contenders]
        able = [worker for worker in workers if MATMUL["kind"] in worker.kinds]
        ready = {w.name: runner(w) for w in able if "error" not in prepared(w, MATMUL)}
        timings, _ = take_turns(ready, seconds=seconds)
    return {name: flops_of(MATMUL) / (timing.fastest * 1e-3) for name, timing in timings.items()}
