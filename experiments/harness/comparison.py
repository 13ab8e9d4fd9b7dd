"""Variants of models trained with several seeds: counted, tabled, drawn and reported, with sentences that judge.

An experiment says which variants and what they mean; `begin`, `trained` and `present` do the rest.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optax

from experiments.harness.options import Options, check, duration, load_both, quickened
from experiments.harness.pictures import images_picture, layer_table, parameters_picture, trained_sections
from experiments.harness.results import write_report
from experiments.harness.runs import Variant, runs_of
from experiments.harness.session import Session, open_session
from experiments.harness.statistics import Estimate, estimate, paired
from experiments.harness.tables import Records, accuracy_records, print_table, size_records
from jaxcnn.data import Dataset
from jaxcnn.visualization import Note, Section, Table

Rows = Sequence[Mapping[str, Any]]
Split = Callable[[Dataset], tuple[Dataset, Dataset]]


@dataclass(frozen=True)
class Results:
    """What the variants of a session achieved."""

    session: Session
    variants: Sequence[Variant]
    rows: Rows

    @property
    def trained(self) -> bool:
        """Whether there is anything to judge."""
        return self.session.options.epochs > 0

    @property
    def duration(self) -> str:
        """How long each run trained, such as "5 epochs"."""
        return duration(self.session.options.epochs)

    def values(self, variant: Variant, measure: str) -> dict[int, float]:
        """Seed -> the variant's measure, such as "test_accuracy", of the runs that have it."""
        return {row["seed"]: row[measure] for row in runs_of(variant, self.rows) if row[measure] is not None}

    def mean(self, variant: Variant, measure: str) -> Estimate | None:
        """Over the variant's runs; None where all diverged."""
        values = self.values(variant, measure)
        return estimate(list(values.values())) if values else None

    def text(self, variant: Variant, measure: str, places: int = 4) -> str:
        """The same for a sentence, such as "0.9912 ± 0.0031"."""
        mean = self.mean(variant, measure)
        return "no measurement" if mean is None else mean.text(places)

    def gain(self, first: Variant, second: Variant, measure: str = "test_accuracy") -> Estimate | None:
        """The measure of the first variant minus the second's, over pairs of runs with the same seed."""
        return paired(self.values(first, measure), self.values(second, measure))

    def gap(self, variant: Variant, measure: str) -> dict[int, float]:
        """Seed -> how much better the variant does on the images it has seen, in "accuracy" or "loss"."""
        seen, unseen = self.values(variant, f"train_{measure}"), self.values(variant, f"test_{measure}")
        sign = 1 if measure == "accuracy" else -1
        return {seed: sign * (seen[seed] - unseen[seed]) for seed in seen}


def begin(experiment: str, config: Options, *, validation: Split | None = None) -> Session:
    """A session on the images that the options name; `validation` parts the training set in (rest, validation).

    Raises:
      ValueError, OSError: for options that can't be meant, sets that can't be read, a folder that can't be written.
    """
    check(config)
    config = quickened(config)
    train, test = load_both(config)
    train, held_out = validation(train) if validation else (train, None)
    session = open_session(experiment, config, train, test, held_out)
    print(session.source, file=sys.stderr)
    return session


def trained(session: Session, variants: Sequence[Variant], optimizer: optax.GradientTransformation) -> Results:
    """Every variant counted and, unless the options ask for no epoch, trained with every seed."""
    return Results(session, variants, session.run(variants, optimizer))


def present(
    results: Results,
    *,
    title: str,
    findings: Sequence[str],
    recipe: str,
    sections: Sequence[Section] = (),
    layers: Sequence[Variant] = (),
    tables: Mapping[str, Records] | None = None,
    differ_in_size: bool = True,
) -> Rows:
    """Print the tables and findings and write the report; returns the rows of `result.json`.

    Args:
      results: the rows.
      title: of the report.
      findings: sentences written from the numbers.
      recipe: how the variants were trained, but for batch, epochs and seeds, which are added.
      sections: parts of the report that this experiment alone has.
      layers: variants to show layer by layer.
      tables: title -> records that this experiment alone has, printed and reported.
      differ_in_size: whether the variants' parameters differ, so that they make a picture.
    """
    _print(results, findings, tables or {})
    blocks = [*_achieved(results), *_own(tables or {}), *sections, *_curves(results, differ_in_size)]
    blocks += [*_sizes(results, layers, differ_in_size), *_images(results.session), _measured(results, recipe)]
    session = results.session
    source = Note(session.source, warning=session.options.quick or session.train.source == "sample")
    write_report(session.folder, title, blocks, [source, *findings], session.environment)
    return results.rows


def _print(results: Results, findings: Sequence[str], tables: Mapping[str, Records]) -> None:
    print_table(size_records(results.rows), title="What each variant costs, for one image")
    if accuracies := accuracy_records(results.rows):
        print_table(accuracies, title="What each variant achieved")
    for title, records in tables.items():
        print_table(records, title=title)
    print(*findings, sep="\n", end="\n" if findings else "")


def _achieved(results: Results) -> list[Section]:
    seeds = results.session.options.seeds
    means = f"Means over {seeds} seeds, with 95% confidence intervals (Student's t) from two seeds on."
    accuracies = accuracy_records(results.rows)
    costs = Section("What each variant costs", [Table(size_records(results.rows), "Counted, for one image.")])
    return [costs, *([Section("What each variant achieved", [Table(accuracies, means)])] if accuracies else [])]


def _own(tables: Mapping[str, Records]) -> list[Section]:
    return [Section(title, [Table(records, title)]) for title, records in tables.items()]


def _curves(results: Results, differ_in_size: bool) -> list[Section]:
    held_out = "test" if results.session.validation is None else "validation"
    folder = results.session.folder
    return trained_sections(folder, results.variants, results.rows, held_out=held_out, differ_in_size=differ_in_size)


def _sizes(results: Results, layers: Sequence[Variant], differ_in_size: bool) -> list[Section]:
    picture = [parameters_picture(results.session.folder, results.variants)] if differ_in_size else []
    blocks = [*picture, *(layer_table(variant) for variant in layers)]
    return [Section("Where the parameters sit", blocks)] if blocks else []


def _images(session: Session) -> list[Section]:
    return [Section("The images", [images_picture(session.folder, session.train)])]


def _measured(results: Results, recipe: str) -> Section:
    options = results.session.options
    times = (
        f"{recipe} Batch {options.batch_size}, {results.duration}. "
        f"Seeds 0 to {options.seeds - 1} set the initial weights and the order of the images."
    )
    definitions = (
        "MACs are multiply-accumulates of one forward pass; activations are the bytes of all layer outputs. The "
        "receptive field is that of one cell of the last feature map, in pixels. Accuracy and loss are measured after "
        "the last epoch, on all training and all test images. Seconds are training alone, without compilation; the "
        "seeds of a variant train side by side and share the wall clock. Differences between variants are taken seed "
        "by seed."
    )
    return Section("How it was measured", [times, definitions] if options.epochs else [definitions])
