"""The runs of the pooling experiment: the lectures' variants, and a study's with more seeds and shifted images."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import optax

from experiments.harness.pooling_study import Study
from experiments.harness.results import write_result
from experiments.harness.runs import Variant, train_and_test
from experiments.harness.session import Session
from experiments.harness.shifts import measure_shifts

STUDY_SEEDS = 4  # as many as four minutes hold; with fewer Student's t establishes little

Rows = list[dict[str, Any]]


class Runs(NamedTuple):
    """Rows of the lectures' variants, as every experiment has them, and of the study's, with what shifts do."""

    lectures: Rows
    study: Rows


def study_seeds(session: Session) -> int:
    """How often the study's variants are trained."""
    return session.options.seeds if session.options.quick else max(session.options.seeds, STUDY_SEEDS)


def run_all(
    session: Session, lectures: Sequence[Variant], study: Study | None, optimizer: optax.GradientTransformation
) -> Runs:
    """Train every variant once: those that both have serve both, the lectures with the first seeds.

    `result.json` is rewritten after each variant, so that a stop loses the runs of one.
    """
    studied = list(study.variants) if study else []
    variants = [*lectures, *(v for v in studied if v not in lectures)]
    runs = Runs([], [])
    for number, variant in enumerate(variants, 1):
        if session.options.epochs:
            print(f"[{number}/{len(variants)}] {variant.model}, {variant.label}", file=sys.stderr)
        rows = _rows(session, variant, optimizer, shifts=variant in studied)
        if variant in lectures:
            runs.lectures.extend(_plain(row) for row in rows if row["seed"] < session.options.seeds)
        if variant in studied:
            runs.study.extend(rows)
        if session.options.epochs:
            write(session, runs, {}, complete=False)
    return runs


def _rows(session: Session, variant: Variant, optimizer: optax.GradientTransformation, *, shifts: bool) -> Rows:
    options = session.options
    trained = train_and_test(
        variant,
        session.images,
        seeds=range(study_seeds(session) if shifts else options.seeds),
        epochs=options.epochs,
        batch_size=options.batch_size,
        optimizer=optimizer,
    )
    if not shifts:
        return trained.rows
    shifted = {seed: found.row() for seed, found in measure_shifts(trained.models, session.test).items()}
    return [row | NOT_SHIFTED | shifted.get(row["seed"], {}) for row in trained.rows]


NOT_SHIFTED = dict.fromkeys(("shift_accuracy", "shift_agreement", "agreement", "agreement_by_one"))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_SHIFTED}


def write(session: Session, runs: Runs, more: Mapping[str, Any], *, complete: bool) -> None:
    """`result.json`: the lectures' rows as in every experiment, beside them the study's and what follows from them."""
    parts = {"study": runs.study, **more}
    options, where = session.options, session.environment
    write_result(session.folder, "pooling", options, where, runs.lectures, complete=complete, parts=parts)
