"""The compiled programs of one run of `fit`, made before its clock starts."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Key

from jaxcnn.training.chunks import Plan, epoch_order, run_steps
from jaxcnn.training.evaluation import lower_evaluation
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import zero_metrics
from jaxcnn.training.state import TrainState, snapshot, variables_of


class Programs(NamedTuple):
    """What an epoch calls: shuffle, steps (one program for each batch size), copy of the result, validation."""

    order: Callable
    steps: dict[int, Callable]
    snapshot: Callable
    evaluation: Callable | None


def compile_programs(
    plan: Plan,
    state: TrainState,
    examples: Examples,
    key: Key[Array, ""],
    held_out: tuple[Examples, Bool[Array, " n"]] | None,
) -> tuple[Programs, float]:
    """All programs and the seconds they took.

    The jitted functions are module-wide, and model structure, optimizer, shapes and JAX's settings are their
    cache keys: a later run that shares them, under any seed, compiles nothing. `jax.clear_caches()` frees them.
    The optimizer counts as the same only where it is the same object.
    """
    start = time.perf_counter()
    shuffled = jax.ShapeDtypeStruct((plan.examples,), np.int32)
    zero = np.int32(0)
    with ThreadPoolExecutor() as pool:  # XLA compiles one program while Python traces the next
        steps = {
            size: pool.submit(
                _jitted_steps.lower(state, zero_metrics(), examples, shuffled, zero, zero, batch_size=size).compile
            )
            for size in plan.batch_sizes
        }
        order = pool.submit(_jitted_order.lower(key, zero, examples=plan.examples).compile)
        copy = pool.submit(_jitted_snapshot.lower(state).compile)
        evaluation = None
        if held_out is not None:
            evaluation = pool.submit(lower_evaluation(state.graphdef, variables_of(state), *held_out).compile)
    compiled = {size: step.result() for size, step in steps.items()}
    programs = Programs(order.result(), compiled, copy.result(), evaluation and evaluation.result())
    return programs, time.perf_counter() - start


_jitted_order = jax.jit(epoch_order, static_argnames="examples")
_jitted_steps = jax.jit(run_steps, static_argnames="batch_size", donate_argnames="state")
_jitted_snapshot = jax.jit(snapshot)
