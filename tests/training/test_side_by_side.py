"""Seconds shared between runs, by hand, and how runs end."""

import threading

import pytest

from jaxcnn.training.side_by_side import SharedClock, side_by_side


def test_overlapping_runs_share_the_seconds():
    times = iter([0.0, 1.0, 1.0, 3.0, 3.0, 7.0, 7.0, 8.0, 8.0])
    clock = SharedClock(lambda: next(times))  # starts at 0
    with clock.running():  # from 1 on
        first = clock()
        with clock.running():  # from 3 on, after 2 s alone
            second = clock()
            assert clock() - second == 2.0  # 4 s on the wall, for two
        assert clock() - first == 2.0 + 2.0 + 1.0  # alone, shared, alone


def test_results_come_in_the_order_of_the_runs():
    gate = threading.Event()

    def first():
        gate.wait(5)
        return "first"

    def second():
        gate.set()
        return "second"

    assert side_by_side([second, first], threading.Event()) == ["second", "first"]


def test_an_exception_stops_the_runs_that_wait_and_those_under_way():
    stop = threading.Event()

    def fail():
        raise KeyError("broken")

    def wait():
        assert stop.wait(10)

    with pytest.raises(KeyError, match="broken"):
        side_by_side([fail, wait, wait], stop)
    assert stop.is_set()
