"""How many steps a call of the compiled program takes before its dispatch and its page faults no longer show.

Run `python -m experiments.bench.chunks`: about a minute on two cores. The same steps are cut into calls of 1,
4, 8, 16, 32 and 64 steps, which take turns; every figure is the median of the rounds after the first. `training.fit`
takes 32 by default: expect the figures to be flat from there on, while progress is still reported every second or so.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from experiments.bench.seeds import make_examples, make_state
from experiments.harness.command import run
from experiments.harness.tables import print_table
from jaxcnn.training import TrainState
from jaxcnn.training.chunks import Plan
from jaxcnn.training.metrics import zero_metrics
from jaxcnn.training.programs import compile_programs

VARIANTS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("swish_cnn", {"pool": "max"}, 32),
    ("lenet5", {}, 32),
    ("lenet5", {}, 256),
    ("convnet", {"pool": "max"}, 32),
    ("convnet", {"pool": "max"}, 256),
)
LENGTHS = (1, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Config:
    """How many steps a call."""

    steps: Annotated[int, tyro.conf.arg(help="Training steps a round, a multiple of 64.")] = 64
    rounds: Annotated[int, tyro.conf.arg(help="Rounds; the first is not counted.")] = 4


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print a table, return the rows.

    Raises:
      ValueError: for a number of steps that 64 does not divide.
    """
    if config.steps < 1 or config.steps % max(LENGTHS):
        raise ValueError(f"--steps must be a positive multiple of {max(LENGTHS)}, got {config.steps}")
    measured = rows(config)
    texts = [{name: str(value) for name, value in row.items() if name != "ms"} for row in measured]
    columns = [{f"{length}": f"{ms:.2f}" for length, ms in row["ms"].items()} for row in measured]
    records = [text | column for text, column in zip(texts, columns, strict=True)]
    print_table(records, title="Milliseconds a training step, by steps a call")
    return measured


def rows(config: Config, variants: Sequence[tuple[str, Mapping[str, Any], int]] = VARIANTS) -> list[dict[str, Any]]:
    """A row a variant: model, options, batch_size, and ms: steps a call -> milliseconds a step."""
    return [
        {"model": name, "options": dict(options), "batch_size": size, "ms": _measure(name, options, size, config)}
        for name, options, size in variants
    ]


def _measure(name: str, options: Mapping[str, Any], batch_size: int, config: Config) -> dict[int, float]:
    state = make_state(name, options)
    call = _compile(state, batch_size, config.steps)
    seconds: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for _ in range(config.rounds):
        for length, found in seconds.items():
            start = time.perf_counter()
            for _ in range(config.steps // length):
                state = call(state, length)
            jax.block_until_ready(state)
            found.append(time.perf_counter() - start)
    return {length: statistics.median(found[1:]) * 1000 / config.steps for length, found in seconds.items()}


def _compile(state: TrainState, batch_size: int, steps: int) -> Callable[[TrainState, int], TrainState]:
    count = steps * batch_size
    rest = (make_examples(count), jnp.arange(count, dtype=jnp.int32), np.int32(0))
    plan = Plan(count, batch_size, max(LENGTHS))
    programs, _ = compile_programs(plan, state, rest[0], jax.random.key(0), None)
    return lambda state, length: programs.steps[batch_size](state, zero_metrics(), *rest, np.int32(length))[0]


if __name__ == "__main__":
    run(main, Config)
