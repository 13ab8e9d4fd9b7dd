"""Single operations as JAX programs: forward, gradients, inside and outside a loop; and the matrix product."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.peers.protocol import Case, Work

Operation = Mapping[str, Any]
Convolve = Callable[[Operation, Any, Any], Any]


def repeat_calls(program: Callable[..., Any], *args: Any) -> Callable[[int], float]:
    """Seconds of n calls of a jitted program."""

    def run(steps: int) -> float:
        start, out = time.perf_counter(), None
        for _ in range(steps):
            out = program(*args)
        jax.block_until_ready(out)
        return time.perf_counter() - start

    return run


def operands(case: Case) -> tuple[jax.Array, jax.Array]:
    """Random float32 input and kernel."""
    rng = np.random.default_rng(0)
    x, kernel = (rng.standard_normal(case[name], np.float32) for name in ("x", "kernel"))
    return jnp.asarray(x), jnp.asarray(kernel / np.sqrt(kernel.size))


def operation(convolve: Convolve, case: Case) -> Work:
    """One operation, or its result and its gradients to input and kernel (`gradient`: "", "kernel" or "both")."""
    x, kernel = operands(case)
    if not case["gradient"]:
        return Work(repeat_calls(jax.jit(lambda x, kernel: convolve(case, x, kernel)), x, kernel))
    g = jnp.asarray(np.random.default_rng(1).standard_normal(_shape(convolve, case, x, kernel), np.float32))

    def both(x, kernel, g):
        out, pullback = jax.vjp(lambda x, kernel: convolve(case, x, kernel), x, kernel)
        return out, pullback(g)

    def to_kernel(x, kernel, g):
        out, pullback = jax.vjp(lambda kernel: convolve(case, x, kernel), kernel)
        return out, pullback(g)

    return Work(repeat_calls(jax.jit(both if case["gradient"] == "both" else to_kernel), x, kernel, g))


def _shape(convolve: Convolve, case: Case, x: Any, kernel: Any) -> tuple[int, ...]:
    return jax.eval_shape(lambda x, kernel: convolve(case, x, kernel), x, kernel).shape


def repeated(convolve: Convolve, case: Case) -> Work:
    """`case["times"]` convolutions, each of the last one's result: in `fori_loop`, or one after another."""
    x, kernel = operands(case)

    def looped(x, kernel):
        return lax.fori_loop(0, case["times"], lambda _, x: convolve(case, x, kernel), x)

    def unrolled(x, kernel):
        for _ in range(case["times"]):
            x = convolve(case, x, kernel)
        return x

    return Work(repeat_calls(jax.jit(looped if case["inside"] else unrolled), x, kernel))


def matmul(convolve: Convolve, case: Case) -> Work:
    """A square matrix product."""
    rng = np.random.default_rng(0)
    a, b = (jnp.asarray(rng.standard_normal((case["size"],) * 2, np.float32)) for _ in range(2))
    return Work(repeat_calls(jax.jit(jnp.matmul), a, b))


KINDS = {"operation": operation, "repeated": repeated, "matmul": matmul}
