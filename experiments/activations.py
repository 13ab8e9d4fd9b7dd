"""Activations: sigmoid, tanh, ReLU and swish, their slopes, what depth does to gradients, and how fast nets learn.

The claims of the third lecture: a net without activation is one layer; sigmoid's slope never exceeds 0.25 and its
gradients vanish with depth, tanh's too; tanh(x) = 2σ(2x) − 1, with slope (1 − tanh x)(1 + tanh x); sigmoid's outputs
lie around 0.5, tanh's around 0, ReLU's not; ReLU needs one maximum instead of an exponential, converges about 6 times
faster than the sigmoid kind, and its units can fall silent.

Run `python -m experiments.activations`: about fifteen seconds on two cores; `--quick` takes seconds, `--epochs 0`
shows what needs no training. Expect sigmoid's gradients to shrink at least fourfold with each layer, ReLU ahead of
sigmoid on the way to 90% training accuracy but not by 6, and not ahead of tanh. With `--depth 5` sigmoid doesn't come
there at all.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from experiments.harness.activation_costs import timings
from experiments.harness.activation_facts import ACTIVATIONS, LOOKED_AT, SEEDS, gradient_records, linear_sentence
from experiments.harness.activations_report import Measured, present
from experiments.harness.command import run
from experiments.harness.comparison import begin
from experiments.harness.deep_nets import accuracy, loss, size
from experiments.harness.options import Options, check_distinct
from experiments.harness.race import EVERY, PROBE, Race, race, silent_share
from experiments.harness.results import write_result
from experiments.harness.session import Session
from jaxcnn.geometry import as_int
from jaxcnn.training.steps import scale_images

GOAL = 0.9
RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
QUICK_PASSES = 12  # over the few images of a quick look
RACING = ("sigmoid", "tanh", "ReLU", "swish")


@dataclass(frozen=True)
class Config(Options):
    """Activations, their gradients and their speed."""

    epochs: Annotated[int, tyro.conf.arg(help="Passes after which a net gives up; 0 trains nothing.")] = 8
    seeds: Annotated[int, tyro.conf.arg(help="Nets a learning rate, with seeds 0, 1, …")] = 5
    depth: Annotated[int, tyro.conf.arg(help="Layers with weights of the nets that race.")] = 3
    width: Annotated[int, tyro.conf.arg(help="Units of each hidden layer.")] = 64
    depths: Annotated[tuple[int, ...], tyro.conf.arg(help="Depths at which gradients are looked at.")] = (2, 5, 10, 20)
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/activations"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Draw, measure, train and judge; returns the rows of `result.json`."""
    check_sizes(config)
    session = begin("activations", config)
    x, labels = flat(session.train.images), jnp.asarray(session.train.labels)
    races = run_races(config, session, x, labels)
    rows = rows_of(config, session, races)
    write_result(session.folder, "activations", session.options, session.environment, rows, complete=True)
    depths = sorted({min(config.depths), max(config.depths)}) if config.quick else config.depths
    norms = gradient_records(x, labels, depths, config.width, len(session.train.class_names))
    linear = linear_sentence(x, config.width, max(config.depths))
    found = Measured(linear, norms, timings(), races, silent_of(races, x), GOAL, RATES)
    present(session, found, recipe(config, session.options))
    return rows


def check_sizes(config: Config) -> None:
    """Refuse nets that can't be built.

    Raises:
      ValueError: for depths below 2, none or one twice, or a width below 1.
    """
    check_distinct("--depths", config.depths)
    for name, depth in (("--depth", config.depth), *(("--depths", depth) for depth in config.depths)):
        as_int(name, depth, minimum=2)
    as_int("--width", config.width, minimum=1)


def flat(images: np.ndarray) -> jax.Array:
    """Images (n, pixels) in [0, 1]."""
    return jnp.asarray(scale_images(images)).reshape(len(images), -1)


def run_races(config: Config, session: Session, x: jax.Array, labels: jax.Array) -> dict[str, Race]:
    """Activation -> its race; none where nothing is to be trained."""
    options = session.options
    batch_size = min(options.batch_size, len(labels))
    passes = QUICK_PASSES if options.quick else 1
    steps = options.epochs * passes * (len(labels) // batch_size)
    found = {}
    for name in RACING if steps else ():
        print(f"{name}: {len(RATES)} learning rates, {options.seeds} seeds, up to {steps} steps", file=sys.stderr)
        found[name] = race(
            ACTIVATIONS[name],
            x,
            labels,
            rates=RATES,
            seeds=options.seeds,
            depth=config.depth,
            width=config.width,
            classes=len(session.train.class_names),
            batch_size=batch_size,
            most_steps=steps,
            goal=GOAL,
        )
    return found


def rows_of(config: Config, session: Session, races: Mapping[str, Race]) -> list[dict[str, Any]]:
    """A row for each activation and seed, of the net with the activation's best learning rate."""
    test, test_labels = flat(session.test.images), jnp.asarray(session.test.labels)
    pixels, classes = test.shape[1], len(session.train.class_names)
    params, macs = size(pixels, config.width, classes, config.depth)
    rows = []
    for name in RACING:
        for seed in range(session.options.seeds):
            row = {
                "model": f"dense net of {config.depth} layers",
                "options": {"activation": name, "width": config.width},
                "label": name,
                "params": params,
                "macs": macs,
                "seed": seed,
                "train_examples": len(session.train),
                "test_examples": len(session.test),
                "data_source": session.train.source,
                **dict.fromkeys(("learning_rate", "steps", "test_accuracy", "test_loss", "seconds")),
            }
            rows.append(row | (_measured(races[name], name, seed, test, test_labels) if races else {}))
    return rows


def _measured(found: Race, name: str, seed: int, test: jax.Array, labels: jax.Array) -> dict[str, Any]:
    net, steps = found.net(found.best, seed), found.steps[found.best, seed]
    return {
        "learning_rate": found.rates[found.best],
        "steps": int(steps) if np.isfinite(steps) else None,
        "test_accuracy": float(accuracy(net, test, labels, ACTIVATIONS[name])),
        "test_loss": float(loss(net, test, labels, ACTIVATIONS[name])),
        # All rates and seeds train in one program, so that each run's share is taken as equal.
        "seconds": found.seconds / found.steps.size,
    }


def silent_of(races: Mapping[str, Race], x: jax.Array) -> dict[str, np.ndarray]:
    """Activation -> share of silent units (rates, seeds) when its race was over."""
    return {
        name: np.array(
            [
                [float(silent_share(found.net(rate, seed), x[:1000], ACTIVATIONS[name])) for seed in range(seeds)]
                for rate in range(len(found.rates))
            ]
        )
        for name, found in races.items()
        for seeds in (found.steps.shape[1],)
    }


def recipe(config: Config, options: Options) -> str:
    """How the gradients and the races came about."""
    return (
        f"Gradients: nets of {config.width} units a layer, Glorot uniform kernels, zero biases, {LOOKED_AT} images, "
        f"means over {SEEDS} seeds. Races: {config.depth} layers with weights, plain gradient descent on batches of "
        f"{options.batch_size}, the training accuracy of {PROBE:,} training images every {EVERY} steps; the best "
        f"learning rate of {len(RATES)} is the one whose slowest of {options.seeds} seeds is first at the goal. "
        "Without activation the product of the layers' kernels is computed in float64, the nets in float32."
    )


if __name__ == "__main__":
    run(main, Config)
