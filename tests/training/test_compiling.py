"""How training's programs are compiled: on oneDNN where jaxlib has it, and then outside the persistent cache."""

import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.lowering import onednn
from jaxcnn.training.compiling import Program, Uncached, compiling

LEAST = "jax_persistent_cache_min_compile_time_secs"


def least():
    return getattr(jax.config, LEAST)


def test_the_setting_comes_back_when_the_last_has_left():
    uncached, before = Uncached(), least()
    inside, leave = threading.Event(), threading.Event()

    def other():
        with uncached():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with uncached():
        thread.start()
        assert inside.wait(10)
    assert least() == math.inf
    leave.set()
    thread.join()
    assert least() == before


def test_the_setting_comes_back_after_an_error():
    before = least()
    with pytest.raises(KeyError), Uncached()():
        raise KeyError
    assert least() == before


def test_without_onednn_nothing_changes(monkeypatch):
    monkeypatch.setattr(onednn, "is_available", lambda: False)
    with compiling():
        assert not onednn.is_in_force()
        assert least() != math.inf


def test_a_program_keeps_the_settings_it_was_made_under(x64):
    with ThreadPoolExecutor(1) as worker:
        program = Program(worker, jax.jit(lambda x: x / 3), jnp.ones((), jnp.float64))
        program.start()
    assert program(jnp.ones((), jnp.float64)) == 1 / 3
    assert "f64[]" in program.as_text()


def test_a_program_may_start_when_its_arguments_are_gone():
    x = jnp.ones(3)
    with ThreadPoolExecutor(1) as worker:
        program = Program(worker, jax.jit(lambda x: 2 * x, donate_argnums=0), x)
        x.delete()
        assert program.start() is program.start()
    np.testing.assert_array_equal(program(jnp.ones(3)), np.full(3, 2.0))


def test_a_program_takes_arguments_as_weakly_typed_and_as_placed_as_they_are():
    args = jnp.asarray(1.0), jax.device_put(jnp.ones(()), jax.devices()[0])
    with ThreadPoolExecutor(1) as worker:
        weak, placed = Program(worker, jax.jit(lambda a, b: (2 * a, b)), *args)(*args)
    assert weak.weak_type
    assert placed.committed


def test_what_stopped_a_program_reaches_who_waits_for_it():
    class Lowered:
        def lower(self):
            return self

        def as_text(self):
            return ""

        def compile(self):
            raise MemoryError("no room")

    with ThreadPoolExecutor(1) as worker:
        program = Program(worker, Lowered())
        program.start()
    with pytest.raises(MemoryError, match="no room"):
        program.wait()
    with pytest.raises(MemoryError, match="no room"):
        program()


WITH_A_CACHE = """
import numpy as np, optax
from flax import nnx
from jaxcnn import data, models, training

model = models.create("lenet5", rngs=nnx.Rngs(0))
_, images = data.load("mnist", split="test").split(0.02, seed=0)
training.fit(model, images, validation=images, epochs=1, batch_size=16, optimizer=optax.sgd(0.01), progress=False)
print(training.evaluate(model, images)["loss"], training.predict(model, images.images).shape)
"""


@pytest.mark.slow
def test_beside_a_persistent_cache(tmp_path):
    cache = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}

    def run(**settings):
        command = [sys.executable, "-W", "error", "-c", WITH_A_CACHE]
        subprocess.run(command, env=os.environ | cache | settings, check=True)
        return {path.name.split("-")[0] for path in tmp_path.glob("*-cache")}

    calls_onednn = {"jit_run_steps", "jit_accumulate_metrics", "jit_predict_step"}
    kept = run()
    assert kept
    assert kept.isdisjoint(calls_onednn) or not onednn.is_available()
    assert kept | calls_onednn <= run(JAXCNN_ONEDNN="0")
