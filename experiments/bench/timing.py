"""Taking turns: contenders run a moment each, again and again, so that the machine's moods meet all alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[int], float]

ROUNDS, LEAST_ROUNDS = 5, 3


class RunError(Exception):
    """A contender failed while it was timed."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds a step of one contender: the median of its turns, and the fastest and the slowest of them."""

    ms: float
    fastest: float
    slowest: float
    turns: int


def take_turns(
    runs: Mapping[str, Run], *, seconds: float, rounds: int = ROUNDS, least: Mapping[str, int] | None = None
) -> tuple[dict[str, Timing], dict[str, str]]:
    """Time every contender `rounds` times, one after another (A B, B A, A B, …), and take medians.

    Args:
      runs: contender -> what takes n steps and tells their seconds.
      seconds: about what each contender may use, over all its turns, but for the least that each turn holds.
      rounds: turns of each contender; fewer where these use more than `seconds`, but three at least.
      least: contender -> the steps that one call of its program takes, 1 without it. A turn holds whole calls: a
        shorter call would pay for memory and dispatch as much as a whole one does.

    Returns:
      The timings, and the errors of those that failed on the way.
    """
    steps, least = {}, least or {}
    turns: dict[str, list[float]] = {name: [] for name in runs}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for name in list(runs) if number % 2 == 0 else reversed(list(runs)):
            spent = sum(turns[name]) * steps.get(name, 0) / 1e3
            if name in failed or (spent > seconds * 1.5 and number >= LEAST_ROUNDS):
                continue
            try:
                if name not in steps:
                    steps[name], taken = steps_a_turn(runs[name], seconds / rounds, least.get(name, 1))
                    if taken * steps[name] > seconds:  # so long a trial is a turn already
                        turns[name].append(taken * 1e3)
                        continue
                turns[name].append(_turn(runs[name], steps[name]))
            except RunError as error:
                failed[name] = str(error)
    return {name: summary(times) for name, times in turns.items() if name not in failed}, failed


def steps_a_turn(run: Run, seconds: float, least: int = 1) -> tuple[int, float]:
    """How many steps fill about `seconds`, a multiple of `least`, found by doubling; and the seconds of one."""
    steps = least
    while (taken := run(steps)) < seconds / 4 and steps < 2**20:
        steps *= 2
    wanted = max(1, round(steps * seconds / max(taken, 1e-9)))
    return -(-wanted // least) * least, taken / steps


def _turn(run: Run, steps: int) -> float:
    """Milliseconds a step; one untimed step first, since another contender had the caches."""
    if steps > 1:
        run(1)
    return run(steps) / steps * 1e3


def summary(times: list[float]) -> Timing:
    """The median of turns."""
    return Timing(statistics.median(times), min(times), max(times), len(times))
