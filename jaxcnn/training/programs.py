"""The compiled programs of one run of `fit`, made before its clock starts."""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Key

from jaxcnn.training.chunks import Plan, epoch_order, run_steps
from jaxcnn.training.compiling import compiling
from jaxcnn.training.evaluation import compile_evaluation
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
    order = _jitted_order.lower(key, np.int32(0), examples=plan.examples).compile()
    shuffled = jax.ShapeDtypeStruct((plan.examples,), np.int32)
    with compiling():
        steps = {
            size: _jitted_steps.lower(
                state, zero_metrics(), examples, shuffled, np.int32(0), np.int32(0), batch_size=size
            ).compile()
            for size in plan.batch_sizes
        }
    copy = _jitted_snapshot.lower(state).compile()
    evaluation = None if held_out is None else compile_evaluation(state.graphdef, variables_of(state), *held_out)
    return Programs(order, steps, copy, evaluation), time.perf_counter() - start


_jitted_order = jax.jit(epoch_order, static_argnames="examples")
_jitted_steps = jax.jit(run_steps, static_argnames="batch_size", donate_argnames="state")
_jitted_snapshot = jax.jit(snapshot)
