"""The small benches: their rows, on sizes that measure nothing."""

import json

import pytest

from experiments.bench import chunks as bench_chunks
from experiments.bench import seeds as bench_seeds
from experiments.bench import startup as bench_startup
from jaxcnn.training import History


@pytest.mark.slow
def test_seeds_three_ways():
    [row] = bench_seeds.rows(["mlp"], [2], batch_size=2, seconds=0.01)
    assert (row["model"], row["seeds"], row["batch"]) == ("mlp", 2, 2)
    assert set(row["ms"]) == {"one after the other", "side by side", "stacked"}
    assert min(row["ms"].values()) > 0


def test_seeds_are_timed_without_compilation_and_the_stacked_way_where_it_is_not_asked_for(monkeypatch):
    def history(seconds):
        return History(seconds=[seconds] * 2, compile_seconds=100.0)

    monkeypatch.setattr(bench_seeds, "fit", lambda *_, seed, **__: history(1.0 + seed))
    monkeypatch.setattr(bench_seeds, "fit_seeds", lambda *_, seeds, **__: [history(1.0) for _ in seeds])
    [row] = bench_seeds.rows(["mlp"], [2], batch_size=2, seconds=1.0, ways=("one after the other", "side by side"))
    assert row["ms"] == {"one after the other": 6e3 / 32 / 2, "side by side": 4e3 / 32 / 2}


@pytest.mark.slow
def test_chunks_of_every_length():
    [row] = bench_chunks.rows(bench_chunks.Config(steps=64, rounds=2), [("mlp", {}, 2)])
    assert (row["model"], row["batch_size"]) == ("mlp", 2)
    assert set(row["ms"]) == {1, 4, 8, 16, 32, 64}
    assert min(row["ms"].values()) > 0


def test_chunks_need_steps_that_all_lengths_divide():
    with pytest.raises(ValueError, match="--steps must be a positive multiple of 64, got 96"):
        bench_chunks.main(bench_chunks.Config(steps=96))


def test_startup_takes_a_cold_and_three_warm_processes_on_one_folder(monkeypatch, capsys):
    calls = []

    class Child:
        def __init__(self, command, env, **_):
            calls.append((command[-2:], env["JAX_COMPILATION_CACHE_DIR"]))
            self.stdout = json.dumps(
                {"import_s": 1.0, "create_s": 1.0, "first_step_s": (5.0, 2.0, 2.5, 4.0)[len(calls) - 1]}
            )

    monkeypatch.setattr(bench_startup.subprocess, "run", Child)
    [row] = bench_startup.main(bench_startup.Config(models=("lenet5",)))
    assert row == {
        "model": "lenet5",
        "options": {},
        "import_s": 1.0,
        "cold_first_step_s": 5.0,
        "warm_first_step_s": 2.5,
    }
    assert [arguments for arguments, _ in calls] == [["lenet5", "{}"]] * 4
    assert len({folder for _, folder in calls}) == 1
    assert "2.50" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--models must be of"):
        bench_startup.main(bench_startup.Config(models=("lenet",)))
