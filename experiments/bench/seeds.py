"""Several seeds at once, three ways: one after the other as `fit`, side by side as `fit_seeds`, and stacked by `vmap`.

Run `python -m experiments.bench.seeds`: about three minutes on two cores. The ways take turns and medians
count; all train on the same images, and neither compilation nor start-up is in a figure. Expect side by side to be
fastest on a CPU: a step of a small network leaves cores idle, and stacking turns convolutions into grouped ones.
`experiments.benchmark --sections seeds` compares the first two for every model of the lectures.
"""

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

from experiments.bench.models import lecture_models
from experiments.bench.rows import APART, TOGETHER
from experiments.bench.timing import Run, take_turns
from experiments.harness.command import run
from experiments.harness.tables import print_table
from jaxcnn import models
from jaxcnn.training import Examples, History, TrainState, create_state, fit, fit_seeds
from jaxcnn.training.chunks import run_steps
from jaxcnn.training.compiling import compiling
from jaxcnn.training.metrics import zero_metrics

STACKED = "stacked"
SEEDS = (2, 4)
STEPS = 32  # an epoch: one whole call of `fit`'s program
OPTIMIZER = optax.rmsprop(1e-3, decay=0.9, eps=1e-7)


@dataclass(frozen=True)
class Config:
    """Several seeds at once, three ways."""

    models: Annotated[tuple[str, ...], tyro.conf.arg(help="Of the lectures, as the benchmark labels them.")] = (
        "lenet5",
        "convnet max",
    )
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(help="Models trained at once.")] = SEEDS
    batch_size: Annotated[int, tyro.conf.arg(help="Images a step.")] = 64
    seconds: Annotated[float, tyro.conf.arg(help="Of timing, a way and row.")] = 10.0


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print a table, return the rows."""
    measured = rows(config.models, config.seeds, config.batch_size, config.seconds)
    records = [{"model": row["model"], "seeds": str(row["seeds"]), **_texts(row["ms"])} for row in measured]
    print_table(records, title=f"Milliseconds a step and seed, batch {config.batch_size}")
    return measured


def rows(
    labels: Sequence[str],
    seeds: Sequence[int],
    batch_size: int,
    seconds: float,
    ways: Sequence[str] = (APART, TOGETHER, STACKED),
) -> list[dict[str, Any]]:
    """A row a model and number of seeds: model, seeds, batch, and ms: way -> milliseconds a step and seed."""
    return [
        {"model": entry.label, "seeds": count, "batch": batch_size, "ms": _measure(runs, count, seconds)}
        for entry in lecture_models()
        if entry.label in labels
        for count in seeds
        for runs in [_ways(partial(make_models, entry.model, entry.options, count), batch_size, ways)]
    ]


def _texts(ms: Mapping[str, float]) -> dict[str, str]:
    return {way: f"{found:.2f} ({ms[APART] / found:.2f}×)" for way, found in ms.items()}


def _measure(runs: Mapping[str, Run], count: int, seconds: float) -> dict[str, float]:
    timings, _ = take_turns(runs, seconds=seconds)
    return {way: timing.ms / STEPS / count for way, timing in timings.items()}


def _ways(make: Callable[[], list[nnx.Module]], batch_size: int, wanted: Sequence[str]) -> dict[str, Run]:
    """Each wanted way as a function that trains all models for a number of epochs and returns its seconds."""
    examples = make_examples(STEPS * batch_size)
    options: dict[str, Any] = {"batch_size": batch_size, "optimizer": OPTIMIZER, "progress": False}
    ways: dict[str, Callable[[], Run]] = {
        APART: lambda: partial(_apart, make(), examples, options),
        TOGETHER: lambda: partial(_together, make(), examples, options),
        STACKED: lambda: _stacked(make(), examples, batch_size),
    }
    return {way: ways[way]() for way in wanted}


def _apart(models: list[nnx.Module], examples: Examples, options: dict[str, Any], epochs: int) -> float:
    return _seconds([fit(model, examples, epochs=epochs, seed=seed, **options) for seed, model in enumerate(models)])


def _together(models: list[nnx.Module], examples: Examples, options: dict[str, Any], epochs: int) -> float:
    return _seconds(fit_seeds(models, examples, epochs=epochs, seeds=range(len(models)), **options))


def _seconds(histories: Sequence[History]) -> float:
    """Of all runs' epochs; from `fit_seeds` they add up to the wall clock's."""
    return sum(sum(history.seconds) for history in histories)


def _stacked(models: list[nnx.Module], examples: Examples, batch_size: int) -> Run:
    states = [create_state(model, OPTIMIZER) for model in models]
    state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    rest = (examples, jnp.arange(STEPS * batch_size, dtype=jnp.int32), np.int32(0), np.int32(STEPS))
    step = jax.vmap(partial(run_steps, batch_size=batch_size), in_axes=(0, *[None] * 5))
    with compiling():
        program = jax.jit(step, donate_argnums=0).lower(state, zero_metrics(), *rest).compile()

    def train(epochs: int) -> float:
        nonlocal state
        start = time.perf_counter()
        for _ in range(epochs):
            state, _ = program(state, zero_metrics(), *rest)
        jax.block_until_ready(state)
        return time.perf_counter() - start

    return train


def make_models(name: str, options: Mapping[str, Any], count: int) -> list[nnx.Module]:
    """One model for each seed from 0 on."""
    return [models.create(name, rngs=nnx.Rngs(seed), **options) for seed in range(count)]


def make_state(name: str, options: Mapping[str, Any]) -> TrainState:
    """The state of the recipe of the lectures."""
    return create_state(make_models(name, options, 1)[0], OPTIMIZER)


def make_examples(count: int) -> Examples:
    """Noise of MNIST's shape, on the device."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return Examples(jnp.asarray(images), jnp.asarray(rng.integers(0, 10, count, dtype=np.int32)))


if __name__ == "__main__":
    run(main, Config)
