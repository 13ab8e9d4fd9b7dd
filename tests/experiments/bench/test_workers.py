"""The protocol with a contender of a few lines: replies, errors, silence, and the end of a process."""

import sys

import pytest

from experiments.bench.cases import Item
from experiments.bench.measure import matmul_peak, time_item
from experiments.bench.start import start_rows
from experiments.bench.workers import Contender, Worker, peers_of, possible_peers

FAKE = """
import time
from experiments.peers.protocol import Work, serve

def prepare(case):
    if case["ms"] < 0:
        raise RuntimeError("no such work")
    print("libraries may print")
    time.sleep(case.get("sleep", 0))
    form = f"asked for {case['form']}" if case.get("form") else "fake"
    return Work(lambda steps: steps * case["ms"] / 1e3, form, case.get("steps_a_call", 1))

serve({"step": prepare, "matmul": lambda case: Work(lambda steps: steps * 0.1)}, versions={"fake": "1"})
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    (tmp_path / "fake_worker.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Contender("fake", "fake_worker", sys.executable)


def test_prepare_run_and_peak(fake):
    with Worker(fake) as worker:
        assert worker.kinds == ["step", "matmul"]
        assert worker.versions == {"fake": "1"}
        answer = worker.ask({"do": "prepare", "case": {"kind": "step", "ms": 2.0}})
        assert (answer["form"], answer["steps_a_call"]) == ("fake", 1)
        assert worker.ask({"do": "run", "steps": 50}) == {"seconds": pytest.approx(0.1)}
        assert worker.ask({"do": "peak"})["peak_bytes"] > 2**20
        assert "no such work" in worker.ask({"do": "prepare", "case": {"kind": "step", "ms": -1}})["error"]
        assert "no work of kind loop" in worker.ask({"do": "prepare", "case": {"kind": "loop"}})["error"]


@pytest.mark.slow
def test_a_silent_process_is_ended_and_started_again(fake):
    with Worker(fake, limit=5.0) as worker:
        stuck = {"kind": "step", "ms": 1.0, "sleep": 60}
        assert worker.ask({"do": "prepare", "case": stuck}) == {"error": "no answer within 5 s"}
        assert "seconds" not in worker.ask({"do": "run", "steps": 1})
        assert worker.ask({"do": "prepare", "case": {"kind": "step", "ms": 1.0}})["form"] == "fake"


def test_rows_and_failures_of_an_item(fake):
    work = {"kind": "step", "model": "mlp", "layers": [], "image": [28, 28, 1], "classes": 10, "batch": 32, "ms": 4.0}
    with Worker(fake) as worker:
        (row,) = time_item(Item("step", "mlp", work, 32), [worker], seconds=0.1, peak=1e9)
        (whole,) = time_item(Item("step", "mlp", {**work, "steps_a_call": 32}, 32), [worker], seconds=0.1, peak=1e9)
        (failed,) = time_item(Item("step", "mlp", {**work, "ms": -1}, 32), [worker], seconds=0.1, peak=1e9)
    assert row["ms"] == whole["ms"] == pytest.approx(4.0)
    assert (row["turns"], whole["turns"]) == (5, 3)  # 32 steps fill more than all of the 0.1 s
    assert row["form"] == "fake"
    assert row["flops"] == 2 * 32 * (3 * (784 * 84 + 840) - 784 * 84)
    assert failed["ms"] is None
    assert "no such work" in failed["error"]


def test_start_is_measured_in_a_fresh_process_in_the_known_form(fake):
    item = Item("start", "mlp", {"kind": "step", "ms": 1.0}, 32)
    known = {"section": "step", "label": "mlp", "contender": "fake", "form": "of an earlier trial"}
    broken = Contender("broken", fake.module, fake.python)
    row, other = start_rows([item], [fake, broken], [known])
    assert (row["section"], row["contender"], other["contender"]) == ("start", "fake", "broken")
    assert row["form"] == "asked for of an earlier trial"
    assert other["form"] == "fake"
    assert row["peak_bytes"] >= row["import_bytes"] > 2**20
    assert row["import_seconds"] > 0
    assert row["first_seconds"] > 0


def test_matmul_peak(fake):
    rates = matmul_peak([fake], seconds=0.1)
    assert rates["fake"] == pytest.approx(2 * 2048**3 / 0.1)


def test_a_module_that_ends_at_once():
    with pytest.raises(OSError, match="the contender broken doesn't start"):
        Worker(Contender("broken", "experiments.no_such_module", sys.executable))


@pytest.mark.parametrize(
    ("packages", "names"),
    [
        ({"torch", "jax"}, ["PyTorch"]),
        ({"keras", "tensorflow"}, ["Keras-TF"]),
        ({"keras", "jax", "torch"}, ["PyTorch", "Keras-JAX"]),
        ({"jax"}, []),
    ],
)
def test_possible_peers(packages, names):
    assert [peer.name for peer in possible_peers("python", packages)] == names


def test_peers_must_be_interpreters():
    with pytest.raises(ValueError, match="--peers must name Python interpreters"):
        peers_of("/no/such/python")
