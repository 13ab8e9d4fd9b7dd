"""Scripts that stream with processes, ended in every way: no process stays behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

UNGUARDED = """
import numpy as np
from jaxcnn import data
images = np.zeros((8, 2, 2, 1), np.uint8)
class Set:
    images, labels = images, np.zeros(8, int)
try:
    print(len(list(data.stream(Set(), batch_size=4, seed=0, epochs=1, workers=2))))
except RuntimeError as error:
    print("caught:", error)
"""

GUARDED = """
import multiprocessing, signal, sys, time
import numpy as np
from jaxcnn import data

class Records:
    def __len__(self):
        return 1000
    def __getitem__(self, index):
        return np.zeros((300, 400, 1), np.uint8), 0  # so that a batch is more than a pipe holds

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin without
    batches = data.stream(Records(), batch_size=4, seed=0, workers=2)
    if "early" in sys.argv:
        print(flush=True)
    for _ in range(4):
        next(batches)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    if "leave" in sys.argv:
        sys.exit()
    with batches:
        while True:
            next(batches)
            time.sleep(0.01)
"""


class TestScripts:
    @pytest.fixture
    def script(self, tmp_path):
        with contextlib.ExitStack() as stack:

            def start(text, *arguments):
                (tmp_path / "script.py").write_text(text)
                process = subprocess.Popen(
                    [sys.executable, str(tmp_path / "script.py"), *arguments],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                    env={**os.environ, "JAX_PLATFORMS": "cpu"},
                )
                stack.enter_context(process)
                stack.callback(process.kill)
                return process

            yield start

    def test_without_a_guard(self, script):
        out, err = script(UNGUARDED).communicate(timeout=120)
        assert "a script that streams with workers must do its work below if __name__ ==" in err
        assert out.startswith(
            "caught: one of 2 processes that read ended with exit code 1, and its own words are above"
        )
        assert out.count("\n") == 1

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    def test_no_process_stays_behind(self, script, how):
        process = script(GUARDED)
        workers = [int(pid) for pid in process.stdout.readline().split()]
        assert len(workers) == 2
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        _, err = process.communicate(timeout=60)
        assert err.count("Traceback") == (how == signal.SIGINT)  # the parent's own, and none of a process that reads
        assert gone(workers)

    @pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
    def test_ctrl_c_while_processes_start(self, script, seconds):
        process = script(GUARDED, "early")
        process.stdout.readline()
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert "KeyboardInterrupt" in err
        assert "spawn_main" not in err  # as in a trace of a process that reads

    def test_a_stream_that_nobody_closes(self, script):
        process = script(GUARDED, "leave")
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert gone([int(pid) for pid in out.split()])


def gone(pids, seconds=20):
    """Whether all have ended; one whose parent is gone may stay a zombie until someone asks for its exit code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
