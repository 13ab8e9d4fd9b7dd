"""Variants trained as the comparisons train them, with their models kept for a closer look."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import optax
from flax import nnx

from experiments.harness.runs import Variant, counts, measured
from experiments.harness.session import Session
from jaxcnn.training import fit_seeds


class Kept(NamedTuple):
    """A variant, its rows, and seed -> its trained model; a run that diverged or didn't train has none."""

    variant: Variant
    rows: list[dict[str, Any]]
    models: dict[int, nnx.Module]


def train_and_keep(
    session: Session, variants: Sequence[Variant], optimizer: optax.GradientTransformation
) -> Iterator[Kept]:
    """One variant after the other, its seeds side by side."""
    options = session.options
    seeds = range(options.seeds)
    for variant in variants:
        rows = [counts(variant, session.train, session.test, seed=seed) for seed in seeds]
        if not options.epochs:
            yield Kept(variant, rows, {})
            continue
        built = [variant.build(seed) for seed in seeds]
        histories = fit_seeds(
            built,
            session.train,
            validation=session.test,
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer=variant.optimizer or optimizer,
            seeds=seeds,
        )
        rows = [row | measured(m, h, session.train) for row, m, h in zip(rows, built, histories, strict=True)]
        yield Kept(variant, rows, {seed: built[seed] for seed in seeds if not histories[seed].error})
