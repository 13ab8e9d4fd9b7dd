"""What `experiments.activations` prints and reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.harness.activation_costs import Timings, cost_records, cost_sentence
from experiments.harness.activation_facts import (
    Norms,
    derivative_sentences,
    functions_picture,
    gradient_table,
    gradients_picture,
    mean_sentence,
    vanishing_sentences,
)
from experiments.harness.race import EVERY, Race
from experiments.harness.race_facts import race_picture, race_records, race_sentences, silent_records, silent_sentence
from experiments.harness.results import write_report
from experiments.harness.session import Session
from experiments.harness.tables import Records, print_table
from jaxcnn.visualization import Note, Picture, Section, Table


class Measured(NamedTuple):
    """What was found.

    Attributes:
      linear: whether a deep net without activation is one layer, in a sentence.
      norms: of the gradients at the start.
      timed: seconds of each function.
      races: activation -> its race; none where nothing was trained.
      silent: activation -> share of silent units (rates, seeds) when its race was over.
      goal: training accuracy that ends a race.
      rates: learning rates of the races.
    """

    linear: str
    norms: Norms
    timed: Timings
    races: Mapping[str, Race]
    silent: Mapping[str, np.ndarray]
    goal: float
    rates: Sequence[float]


def present(session: Session, found: Measured, recipe: str) -> None:
    """Print the tables and the sentences, and write the report."""
    tables, findings = tables_of(found), sentences(found)
    for title, records in tables.items():
        print_table(records, title=title)
    print(*findings, sep="\n")
    sections = [
        *(Section(name, drawn) for name, drawn in pictures(session.folder, found).items() if drawn),
        *(Section(title, [Table(records, title)]) for title, records in tables.items()),
        Section("How it was measured", [recipe]),
    ]
    source = Note(session.source, warning=session.options.quick or session.train.source == "sample")
    write_report(session.folder, "Activations", sections, [source, *findings], session.environment)


def tables_of(found: Measured) -> dict[str, Records]:
    """Title -> lines."""
    tables: dict[str, Records] = {
        "Gradients at the start: norm by the first layer's kernel over that by the last's": gradient_table(found.norms),
        "Time of one activation": cost_records(found.timed),
    }
    if found.races:
        tables[f"Steps to {found.goal:.0%} training accuracy"] = race_records(found.races)
        tables["Hidden units that are 0 for every image"] = silent_records(found.silent, found.rates)
    return tables


def sentences(found: Measured) -> list[str]:
    """What the lecture claims, and whether it holds."""
    exact = [found.linear, *derivative_sentences(), *vanishing_sentences(found.norms), mean_sentence()]
    findings = [*exact, cost_sentence(found.timed)]
    if found.races:
        findings += [*race_sentences(found.races, found.goal, EVERY), silent_sentence(found.silent, found.rates)]
    return findings


def pictures(folder: Path, found: Measured) -> dict[str, list[Picture]]:
    """Heading -> what is drawn under it."""
    return {
        "The functions and their slopes": [functions_picture(folder)],
        "Gradients by layer": [gradients_picture(folder, found.norms)],
        "The race": race_picture(folder, found.races, found.goal),
    }
