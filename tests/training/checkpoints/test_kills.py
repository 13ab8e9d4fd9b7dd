"""Runs that are killed at random moments, and at each touch of a checkpoint's files, end with the very same bits.

JAXCNN_KILLS says how many kills at random moments there are, a third of them for lenet5 and a third for a run on a
stream; each takes two seconds.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("JAXCNN_KILLS", "90"))
EVERY = 25


class Server:
    """The process that forks those to kill."""

    def __init__(self, cache):
        command = [sys.executable, str(Path(__file__).with_name("kill_server.py")), str(cache)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, model, folder, epochs, **how):
        task = {"model": model, "folder": str(folder), "epochs": epochs, "every": EVERY, "keep": 2, **how}
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("programs"))
    with started.process:  # closes its input, at which it ends
        yield started


def number(path):
    return int(path.read_text()) if path.exists() else 0


def saved(folder):
    return max((int(entry.name.removeprefix("step_")) for entry in folder.glob("step_*")), default=0)


def metrics(folder):
    rows = [json.loads(line) for line in folder.with_suffix(".jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def finish(server, model, folder, epochs, whole):
    assert server(model, folder, epochs)["code"] == 0
    assert folder.with_suffix(".safetensors").read_bytes() == whole.with_suffix(".safetensors").read_bytes()
    assert metrics(folder) == metrics(whole)
    assert not [entry for entry in folder.iterdir() if "damaged" in entry.name or ".saving" in entry.name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "wanted"), [("lenet5", KILLS // 3), ("stateful", KILLS // 3), ("streamed", KILLS - 2 * (KILLS // 3))]
)
def test_killed_at_random_moments(server, tmp_path, model, wanted):
    epochs, whole = 40, tmp_path / "whole"
    server(model, tmp_path / "first", 1)  # leaves its compiled programs
    length = server(model, whole, epochs)["seconds"]
    start = server(model, whole, epochs)["seconds"]  # finished already: what a process takes before its first step
    draw, kills, runs, steps = random.Random(wanted), 0, 0, 0
    while kills < wanted:
        folder, runs = tmp_path / f"run{runs}", runs + 1
        while kills < wanted:
            # Most processes get some way, few to the end.
            ended = server(model, folder, epochs, seconds=draw.uniform(0.8 * start, start + 0.5 * (length - start)))
            if ended["code"] == 0:
                break
            assert ended["code"] == -9
            kills += 1
            reached = number(folder.with_suffix(".progress"))
            # A save is whole before training is a chunk ahead of it; here a chunk is one step.
            assert reached - saved(folder) <= EVERY + 1
            steps += reached
        finish(server, model, folder, epochs, whole)
    assert steps > 0
    print(f"{model}: {kills} kills in {runs} runs of {length:.1f} s, of which {start:.1f} s to start")


@pytest.mark.slow
def test_killed_at_each_touch_of_a_checkpoint(server, tmp_path):
    whole, folder, event, kills = tmp_path / "whole", tmp_path / "run", 1, 0
    server("stateful", whole, 20)
    while True:
        ended = server("stateful", folder, 20, event=event)
        if ended["code"] == 0:
            break
        assert ended["code"] == -9
        kills, event = kills + 1, event + 7 + kills % 5  # all kinds of touches, of saves and of prunes
    assert kills > 5
    finish(server, "stateful", folder, 20, whole)
