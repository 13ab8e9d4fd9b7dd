"""The compiled programs of one run of `fit`; what the first step needs is made before its clock starts."""

import functools
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Key

from jaxcnn.lowering.compiler_options import for_few_runs
from jaxcnn.training.chunks import Plan, epoch_order, run_steps
from jaxcnn.training.compiling import Program
from jaxcnn.training.evaluation import evaluation_program
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import zero_metrics
from jaxcnn.training.state import TrainState, snapshot


class Programs(NamedTuple):
    """What an epoch calls: shuffle, steps (one program for each batch size), copy of the result, validation."""

    order: Program
    steps: dict[int, Program]
    snapshot: Program
    evaluation: Program | None

    def start(self) -> None:
        """Compile all of them behind the caller's back."""
        start_all(self.steps, self.snapshot, self.evaluation)


def compile_programs(
    plan: Plan,
    state: TrainState,
    examples: Examples,
    key: Key[Array, ""],
    held_out: tuple[Examples, Bool[Array, " n"]] | None,
) -> tuple[Programs, float]:
    """All programs, and the seconds until the first step can run; those for later steps wait for `Programs.start`.

    The jitted functions are module-wide, and model structure, optimizer, shapes and JAX's settings are their
    cache keys: a later run that shares them, under any seed, compiles nothing. `jax.clear_caches()` frees them.
    The optimizer counts as the same only where it is the same object.
    """
    start = time.perf_counter()
    worker = ThreadPoolExecutor(1)
    order = Program(worker, _jitted_order(), key, np.int32(0), examples=plan.examples)
    shuffled = jax.ShapeDtypeStruct((plan.examples,), np.int32)
    steps = {}
    for size in plan.batch_sizes:
        args = (state, zero_metrics(), examples, shuffled, np.int32(0), np.int32(0))
        steps[size] = Program(worker, _jitted_steps, *args, batch_size=size)
    programs = Programs(order, steps, *after_epoch(worker, state, held_out))
    order.start()
    steps[plan.batch_sizes[0]].wait()
    return programs, time.perf_counter() - start


def start_all(steps: Mapping[int, Program], snapshot: Program, evaluation: Program | None) -> None:
    """Compile what a run calls after its first step, in the order of the calls."""
    for program in (*steps.values(), snapshot, *([evaluation] if evaluation else [])):
        program.start()


def after_epoch(
    worker: ThreadPoolExecutor, state: TrainState, held_out: tuple[Examples, Bool[Array, " n"]] | None
) -> tuple[Program, Program | None]:
    """The programs that follow an epoch's steps: the copy of the result, and validation where there is some."""
    copy = Program(worker, _jitted_snapshot(), state)
    if held_out is None:
        return copy, None
    return copy, evaluation_program(worker, state, *held_out)


_jitted_steps = jax.jit(run_steps, static_argnames="batch_size", donate_argnames="state")


@functools.cache
def _jitted_order() -> Any:
    return jax.jit(epoch_order, static_argnames="examples", compiler_options=for_few_runs())


@functools.cache
def _jitted_snapshot() -> Any:
    return jax.jit(snapshot, compiler_options=for_few_runs())
