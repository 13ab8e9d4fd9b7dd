"""Several seeds at once, three ways: one after the other, side by side as `training.fit_seeds`, and stacked by `vmap`.

Run `python -m experiments.harness.bench_seeds`: about two minutes on two cores. The ways take turns, every figure is
the median of the rounds after the first, and all train on the same images. Expect side by side to be fastest on a CPU:
a step of a small network leaves cores idle, and stacking turns convolutions into grouped ones.
"""

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.tables import print_table
from jaxcnn import models
from jaxcnn.training import Examples, TrainState, create_state
from jaxcnn.training.chunks import run_steps
from jaxcnn.training.metrics import zero_metrics
from jaxcnn.training.side_by_side import side_by_side

VARIANTS: tuple[tuple[str, dict[str, str]], ...] = (("lenet5", {}), ("convnet", {"pool": "max"}))


@dataclass(frozen=True)
class Config:
    """Several seeds at once, three ways."""

    seeds: Annotated[int, tyro.conf.arg(help="Models trained at once.")] = 4
    steps: Annotated[int, tyro.conf.arg(help="Training steps a model and round.")] = 32
    batch_size: Annotated[int, tyro.conf.arg(help="Images a step.")] = 64
    rounds: Annotated[int, tyro.conf.arg(help="Rounds; the first is not counted.")] = 4


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print a table, return the rows."""
    measured = rows(config)
    records = [{"model": row["model"], "options": str(row["options"]), **_texts(row)} for row in measured]
    print_table(records, title=f"Milliseconds a step and seed, {config.seeds} seeds, batch {config.batch_size}")
    return measured


def rows(config: Config, variants: Sequence[tuple[str, Mapping[str, Any]]] = VARIANTS) -> list[dict[str, Any]]:
    """A row a variant: model, options, and milliseconds a step and seed of each way."""
    return [{"model": name, "options": dict(options), **_measure(name, options, config)} for name, options in variants]


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    base = row["one_after_the_other_ms"]
    ways = ("one_after_the_other", "side_by_side", "stacked")
    return {way: f"{row[f'{way}_ms']:.2f} ({base / row[f'{way}_ms']:.2f}×)" for way in ways}


def _measure(name: str, options: Mapping[str, Any], config: Config) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    ways = _ways(name, options, config)
    for _ in range(config.rounds):
        for way, train in ways.items():
            states = jax.block_until_ready(make_states(name, options, config.seeds))
            seconds.setdefault(way, []).append(train(states))
    steps = config.steps * config.seeds
    return {f"{way}_ms": statistics.median(found[1:]) * 1000 / steps for way, found in seconds.items()}


def _ways(name: str, options: Mapping[str, Any], config: Config) -> dict[str, Callable[[list[TrainState]], float]]:
    """Each way to train all states, as a function that returns its seconds."""
    states, count = make_states(name, options, config.seeds), config.steps * config.batch_size
    rest = (make_examples(count), jnp.arange(count, dtype=jnp.int32), np.int32(0), np.int32(config.steps))
    step = partial(run_steps, batch_size=config.batch_size)
    single = _compile(step, states[0], rest)
    stacked = _compile(jax.vmap(step, in_axes=(0, *[None] * 5)), _stack(states), rest)
    return {
        "one_after_the_other": lambda states: _seconds(lambda: [single(state) for state in states]),
        "side_by_side": lambda states: _seconds(
            lambda: side_by_side([partial(single, state) for state in states], threading.Event())
        ),
        "stacked": lambda states: _stacked_seconds(stacked, states),
    }


def _stacked_seconds(stacked: Callable[[TrainState], Any], states: list[TrainState]) -> float:
    together = jax.block_until_ready(_stack(states))
    return _seconds(lambda: stacked(together))


def _seconds(train: Callable[[], object]) -> float:
    start = time.perf_counter()
    train()
    return time.perf_counter() - start


def _compile(step: Callable[..., Any], state: TrainState, rest: tuple[Any, ...]) -> Callable[[TrainState], Any]:
    """The program, which waits for its result."""
    compiled = jax.jit(step, donate_argnums=0).lower(state, zero_metrics(), *rest).compile()
    return lambda state: jax.block_until_ready(compiled(state, zero_metrics(), *rest))


OPTIMIZER = optax.rmsprop(1e-3, decay=0.9, eps=1e-7)


def make_states(name: str, options: Mapping[str, Any], seeds: int) -> list[TrainState]:
    """One state for each seed from 0 on, for the recipe of the lectures."""
    return [create_state(models.create(name, rngs=nnx.Rngs(seed), **options), OPTIMIZER) for seed in range(seeds)]


def _stack(states: Sequence[TrainState]) -> TrainState:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def make_examples(count: int) -> Examples:
    """Noise of MNIST's shape, on the device."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return Examples(jnp.asarray(images), jnp.asarray(rng.integers(0, 10, count, dtype=np.int32)))


if __name__ == "__main__":
    run(main, Config)
