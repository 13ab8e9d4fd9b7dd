"""How a contender talks to the benchmark: a request in, a reply out, each one line of JSON.

`{"do": "prepare", "case": {…}}` builds the work and takes its first step; `{"do": "run", "steps": n}` answers with the
seconds of n warm steps; `{"do": "peak"}` with the highest memory so far. Only the standard library is imported here:
the programs also run under interpreters that have nothing else in common.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TextIO

Case = Mapping[str, Any]


class Work(NamedTuple):
    """Warm work: `run(n)` takes n steps and returns their seconds; `form` says which of several forms was fastest.

    `steps_a_call` steps are what one call of its program takes: fewer pay for a whole call all the same.
    """

    run: Callable[[int], float]
    form: str = ""
    steps_a_call: int = 1


Prepare = Callable[[Case], Work]


def serve(kinds: Mapping[str, Prepare], *, versions: Mapping[str, str]) -> None:
    """Answer requests until the input ends.

    Args:
      kinds: kind of work -> what prepares a case of it.
      versions: of the packages that do the work.
    """
    replies = _own_output()
    _reply(replies, {"kinds": list(kinds), "versions": dict(versions)})
    work: Work | None = None
    for line in sys.stdin:
        try:
            work, answer = _answer(json.loads(line), kinds, work)
        except Exception as error:  # any failure of a contender is a row of the table, not the end of the benchmark
            work, answer = None, {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        _reply(replies, answer)


def _answer(request: Case, kinds: Mapping[str, Prepare], work: Work | None) -> tuple[Work | None, Case]:
    if request["do"] == "peak":
        return work, {"peak_bytes": peak_bytes()}
    if request["do"] == "run" and work is not None:
        return work, {"seconds": work.run(request["steps"])}
    del work
    case, start = request["case"], time.perf_counter()
    if case["kind"] not in kinds:
        raise ValueError(f"this contender has no work of kind {case['kind']}")
    work = kinds[case["kind"]](case)
    work.run(1)
    first_seconds = time.perf_counter() - start
    return work, {"first_seconds": first_seconds, "form": work.form, "steps_a_call": work.steps_a_call}


def _own_output() -> TextIO:
    """Standard output for replies alone: what libraries print goes to standard error."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return replies


def _reply(replies: TextIO, answer: Case) -> None:
    print(json.dumps(answer), file=replies, flush=True)


def peak_bytes() -> int:
    """The highest resident memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def fastest(
    candidates: Mapping[str, Callable[[], Callable[[int], float]]], *, form: str | None = None, trial: float = 0.15
) -> Work:
    """The fastest of several forms of one work, each built, warmed and tried for about `trial` seconds.

    `form` names the one that an earlier trial chose: then nothing else is built, for memory and start are its own.
    """
    if form is not None and form in candidates:
        return Work(candidates[form](), form)
    tried = {}
    for name, build in candidates.items():
        run = build()
        run(1)
        steps = max(1, min(200, round(trial / max(run(1), 1e-6))))
        tried[name] = (run(steps) / steps, run)
    kept = min(tried, key=lambda name: tried[name][0])
    return Work(tried[kept][1], kept)
