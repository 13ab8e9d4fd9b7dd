"""Memory and start: what a fresh process of each contender takes to train one case, from its import on."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from experiments.bench.cases import Item
from experiments.bench.rows import Row, blank_row
from experiments.bench.workers import Contender, Worker

STEPS = 16  # until memory no longer grows; a whole call at least


def start_rows(
    items: Sequence[Item], contenders: Sequence[Contender], known: Sequence[Row], *, open_worker: Any = Worker
) -> Iterator[Row]:
    """A row an item and contender: seconds of import and of the first step, compiled, and the highest memory.

    Args:
      items: training steps.
      contenders: who takes part; those whose process can't do it have a row that says how.
      known: rows of timed training steps, which tell the form that each contender is at its best in.
      open_worker: starts a contender's process.
    """
    forms = {(r["label"], r["contender"]): r["form"] for r in known if r["section"] == "step" and r["form"]}
    for item in items:
        case = {"section": "start", "label": item.label, "batch": item.batch}
        for contender in contenders:
            print(f"start: {item.label}, {contender.name}", file=sys.stderr)
            told = start(contender, item, forms.get((item.label, contender.name)), open_worker)
            yield blank_row(case, contender.name) | told


def start(contender: Contender, item: Item, form: str | None, open_worker: Callable[[Contender], Any]) -> Row:
    """What one fresh process tells."""
    with open_worker(contender) as worker:
        imported = worker.ask({"do": "peak"})["peak_bytes"]
        first = worker.ask({"do": "prepare", "case": {**item.work, "form": form}})
        ran = first if "error" in first else worker.ask({"do": "run", "steps": max(STEPS, first["steps_a_call"])})
        if "error" in ran:
            return {"error": ran["error"]}
        return {
            "first_seconds": first["first_seconds"],
            "form": first["form"],
            "import_bytes": imported,
            "peak_bytes": worker.ask({"do": "peak"})["peak_bytes"],
            "import_seconds": worker.import_seconds,
            "versions": worker.versions,
        }
