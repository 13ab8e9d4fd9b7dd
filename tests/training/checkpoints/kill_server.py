"""Trains in forked processes that its reader kills: imports are paid once. Run by test_kills.py.

Reads lines of JSON from stdin: the model, the folder, and how the process is to die; answers each with a line when the
process has ended. A forked process compiles and trains for itself; this one never touches a device.
"""

import importlib.util
import json
import os
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import jax
import numpy as np
import optax
import orbax.checkpoint  # noqa: F401 - imported before forking
from flax import nnx

from jaxcnn import data, models, training
from jaxcnn.data.augment import random_shift
from jaxcnn.lowering import onednn

ROOT = Path(__file__).parents[2]
TOUCHES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree")
SAVED = ("step_", ".saving-", ".discarded-")


def load_models():
    spec = importlib.util.spec_from_file_location("small_models", ROOT / "training" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SMALL = load_models()
OPTIMIZER = optax.adam(1e-3)


class Progress(training.Callback):
    """Tells the step under way, in a file that a kill can't tear."""

    every = 1

    def __init__(self, path):
        self.path = path

    def on_train_begin(self, run):
        self.path.write_text(f"{run.step:012}")

    def on_chunk_end(self, run):
        jax.block_until_ready(run.state)
        with self.path.open("r+") as file:
            file.write(f"{run.step:012}")


def dies_at(event_number):
    """SIGKILL at the so-manieth event in which a file or folder of a checkpoint is opened, made, renamed or deleted."""
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if event in TOUCHES and any(mark in str(argument) for argument in arguments[:2] for mark in SAVED):
            seen += 1
            if seen == event_number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def train(task):
    rng, size = np.random.default_rng(0), 28 if task["model"] == "lenet5" else 8
    images = rng.integers(0, 256, (60, size, size, 1), dtype=np.uint8)
    train_set = SMALL.Images(images, rng.integers(0, 3, 60).astype(np.int32))
    rngs = nnx.Rngs(0)
    model = models.create("lenet5", rngs=rngs) if task["model"] == "lenet5" else SMALL.Stateful(rngs=rngs)
    folder = Path(task["folder"])
    fit = partial(training.fit, model, train_set, batch_size=8)
    if task["model"] == "streamed":
        batches = data.stream(train_set, batch_size=8, seed=0)
        fit = partial(training.fit_stream, model, batches, augment=partial(random_shift, pixels=1))
    fit(
        epochs=task["epochs"],
        optimizer=OPTIMIZER,
        progress=False,
        callbacks=[
            Progress(folder.with_suffix(".progress")),
            training.JSONLines(folder.with_suffix(".jsonl"), append=True),
        ],
        checkpoints=training.Checkpoints(folder, task["every"], task["keep"], resume=True),
    )
    training.save(model, folder.with_suffix(".safetensors"))


def forked(task):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if task.get("event"):
                dies_at(task["event"])
            train(task)
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    started, end = time.monotonic(), time.monotonic() + task.get("seconds", 1e9)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started}
        if time.monotonic() > end:
            os.kill(child, task.get("signal", signal.SIGKILL))
            end = 1e18
        time.sleep(0.002)


def main():
    warnings.simplefilter("ignore", RuntimeWarning)  # JAX's about forking: nothing has run here yet
    onednn.is_available = lambda: False  # so that compiled programs can be kept from one process to the next
    jax.config.update("jax_compilation_cache_dir", sys.argv[1])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    for line in sys.stdin:
        print(json.dumps(forked(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
