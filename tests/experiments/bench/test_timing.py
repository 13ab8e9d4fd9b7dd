"""Turns by a clock that tests set: who runs when, for how many steps, and which medians come out."""

import pytest

from experiments.bench.timing import RunError, Timing, steps_a_turn, summary, take_turns


def contender(log, name, seconds_a_step):
    """Takes no time at all, and says what it would have taken."""

    def run(steps):
        log.append((name, steps))
        return steps * seconds_a_step

    return run


def test_turns_alternate_and_last_as_long():
    log = []
    runs = {"A": contender(log, "A", 0.001), "B": contender(log, "B", 0.004)}
    timings, failed = take_turns(runs, seconds=1.0, rounds=4)
    assert failed == {}
    timed = [name for name, steps in log if steps in (250, 62)]  # 0.25 s a turn
    assert timed == ["A", "B", "B", "A", "A", "B", "B", "A"]
    assert timings["A"].ms == pytest.approx(1.0)
    assert timings["B"].ms == pytest.approx(4.0)
    assert timings["A"].turns == timings["B"].turns == 4


def test_a_slow_step_is_timed_but_not_for_ever():
    log = []
    timings, _ = take_turns({"slow": contender(log, "slow", 30.0)}, seconds=1.0, rounds=5)
    assert timings["slow"] == Timing(30_000.0, 30_000.0, 30_000.0, 3)
    assert len(log) == 3


def test_a_turn_holds_whole_calls():
    log = []
    runs = {"ours": contender(log, "ours", 0.1), "fast": contender(log, "fast", 0.001)}
    timings, _ = take_turns(runs, seconds=1.5, rounds=5, least={"ours": 32, "fast": 8})
    assert [steps for name, steps in log if name == "ours" and steps > 1] == [32, 32, 32]
    assert {steps for name, steps in log if name == "fast" and steps > 128} == {304}  # 0.3 s, in eights
    assert (timings["ours"].turns, timings["fast"].turns) == (3, 5)


def test_a_failure_leaves_the_others():
    def fails(steps):
        raise RunError("out of memory")

    timings, failed = take_turns({"A": contender([], "A", 0.01), "B": fails}, seconds=0.5)
    assert list(timings) == ["A"]
    assert failed == {"B": "out of memory"}


def test_median_not_mean():
    assert summary([1.0, 9.0, 2.0]) == Timing(2.0, 1.0, 9.0, 3)


@pytest.mark.parametrize(
    ("a_step", "least", "expected"), [(0.001, 1, 100), (0.03, 1, 3), (5.0, 1, 1), (5.0, 32, 32), (0.001, 32, 128)]
)
def test_steps_a_turn(a_step, least, expected):
    assert steps_a_turn(contender([], "", a_step), 0.1, least) == (expected, pytest.approx(a_step))
