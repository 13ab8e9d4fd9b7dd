"""Pooling against no pooling: as the lectures have it, at equal sizes, and under shifts of the image.

The claims of the lectures: pooling shrinks the feature maps, so that a CNN needs fewer parameters and less compute; it
solves overfitting; and without it a net may do worse. And what is often said of it: it makes a net invariant to small
shifts. Three CNNs are built with max, average and min pooling, with strided convolutions instead, and with neither;
counted; and trained on the same images with the lectures' recipe (RMSprop as Keras sets it, batch 64, Glorot uniform).

The smallest of them, swish_cnn, is also matched, for its nets with and without pooling differ in size too: the pooled
one gets a wider dense layer, to have as many parameters as the one without pooling, or more channels, to have as many
multiply-accumulates; the one without pooling gets dilation, to see as many pixels. Blur pooling and global average
pooling instead of Flatten join them. These are trained with four seeds at least, tested on pairs of runs with the same
seed, and asked again about test images shifted by 1 to 4 pixels.

Run `python -m experiments.pooling`: about three minutes on two cores; `--quick` looks at swish_cnn in seconds, its
matched nets only counted, and `--epochs 0` only counts and draws. `--models` without swish_cnn, or
`--pools` without max or none, leaves the matched nets out. Expect the nets without pooling to have many times the
parameters and multiply-accumulates; less overfitting with pooling, at equal parameters too, and no gain in test
accuracy; steadier answers under shifts with pooling at equal sizes, yet one of ten changed by a single pixel; and, in
so short a training, blur and global average pooling behind max pooling in test accuracy.
The lecture's own run, with the full set in FOLDER, reaches a test accuracy of 0.990:
`python -m experiments.pooling --data-dir FOLDER --epochs 5 --models convnet --pools max --seeds 3`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present
from experiments.harness.options import Options, check_distinct
from experiments.harness.paired_tests import PairedTest, paired_test
from experiments.harness.pooling_claims import claim_sentences, judged
from experiments.harness.pooling_pictures import study_sections
from experiments.harness.pooling_runs import STUDY_SEEDS, Runs, run_all, study_seeds, write
from experiments.harness.pooling_study import CARRIER, SMALLEST, Study, shortened, study_of
from experiments.harness.pooling_tables import difference_records, match_records, study_records
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.runs import Variant, count
from experiments.harness.session import Session
from experiments.harness.tables import Records, size_records
from jaxcnn.visualization import Section

LABELS = {
    "max": "max pooling",
    "avg": "average pooling",
    "min": "min pooling",
    "stride": "strided convolution",
    "none": "no pooling",
}
WITHOUT_STUDY = (
    f"Nothing is matched on parameters, compute or receptive field: that needs {CARRIER} with max pooling and without, "
    f"and images of at least {SMALLEST}×{SMALLEST} pixels."
)
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Config(Options):
    """Pooling against no pooling."""

    seeds: Annotated[
        int,
        tyro.conf.arg(
            help="How often each variant is trained, with seeds 0, 1, …; the matched ones, which are small, at least "
            f"{STUDY_SEEDS} times."
        ),
    ] = 2
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/pooling"
    )
    models: Annotated[
        tuple[Literal["convnet", "swish_cnn", "lenet5", "simple_cnn", "fashion_cnn"], ...],
        tyro.conf.arg(help="Models to compare."),
    ] = ("convnet", "swish_cnn", "lenet5")
    pools: Annotated[
        tuple[Literal["max", "avg", "min", "stride", "none"], ...],
        tyro.conf.arg(help="What follows a convolution: a pooling, a stride of 2 in it instead, or nothing."),
    ] = ("max", "avg", "min", "stride", "none")


def main(config: Config) -> Rows:
    """Count, train and draw every variant; returns the rows of `result.json`."""
    check_distinct("--models", config.models)
    check_distinct("--pools", config.pools)
    session = begin("pooling", config)
    variants = [
        count(model, {"pool": pool}, LABELS[pool], session.train) for model in chosen(config) for pool in config.pools
    ]
    study = study_of(variants, session.train)
    study = shortened(study, variants) if study and config.quick else study
    runs = run_all(session, variants, study, rmsprop())
    results = Results(session, variants, runs.lectures)
    findings, tables, sections = studied(session, study, runs)
    return present(
        results,
        title="Pooling against no pooling",
        findings=[*size_sentences(variants), *accuracy_sentences(results), *findings],
        recipe=recipe(session, study),
        sections=sections,
        layers=[variant for pair in pairs(variants)[:1] for variant in pair],
        tables=tables,
    )


def chosen(config: Config) -> Sequence[str]:
    """The models that are asked for; for a quick look one of them, the one that has matched variants if it can be."""
    if not config.quick:
        return config.models
    return (CARRIER,) if CARRIER in config.models else config.models[:1]


def studied(
    session: Session, study: Study | None, runs: Runs
) -> tuple[Sequence[str], dict[str, Records], Sequence[Section]]:
    """What the matched variants say: sentences, tables and pictures; `result.json` gets its last form."""
    if study is None:
        write(session, runs, {}, complete=True)
        return [WITHOUT_STUDY], {}, []
    results = Results(session, study.variants, runs.study)
    matches: dict[str, Records] = {
        f"{CARRIER}, what was matched": match_records(study.matches),
        f"{CARRIER}, what each of its variants costs": size_records(runs.study),
    }
    if not results.trained:
        write(session, runs, {}, complete=True)
        return [], matches, []
    found = judged(results, study.comparisons)
    write(session, runs, {"tests": [test.row() for one in found for test in one.tests.values()]}, complete=True)
    tables = matches | {
        f"{CARRIER}, {study_seeds(session)} seeds: accuracy, overfitting, shifts": study_records(results),
        f"{CARRIER}, differences of pairs of runs": difference_records(found),
    }
    shown = {title: records for title, records in tables.items() if records}
    return claim_sentences(results, study, found), shown, study_sections(results, found)


def recipe(session: Session, study: Study | None) -> str:
    """How all were trained, and the matched variants where there are any."""
    told = f"Recipe, as in the lectures: {RMSPROP}, {START}"
    return (
        told
        if study is None
        else f"{told} {CARRIER}'s tables of matched variants rest on {study_seeds(session)} seeds."
    )


def pairs(variants: Sequence[Variant]) -> list[tuple[Variant, Variant]]:
    """For each model its variant without pooling and the first other one."""
    found = []
    for model in dict.fromkeys(variant.model for variant in variants):
        plain = [v for v in variants if v.model == model and v.options["pool"] == "none"]
        pooled = [v for v in variants if v.model == model and v.options["pool"] != "none"]
        if plain and pooled:
            found.append((plain[0], pooled[0]))
    return found


def size_sentences(variants: Sequence[Variant]) -> list[str]:
    """Where the parameters sit, and what pooling saves."""
    return [_size_sentence(plain, pooled) for plain, pooled in pairs(variants)]


def _size_sentence(plain: Variant, pooled: Variant) -> str:
    full, small, largest = plain.summary, pooled.summary, plain.largest_layer
    same = next(row for row in small.rows if row.name == largest.name)
    return (
        f"{plain.model} without pooling has {full.trainable_params:,} parameters, of which {largest.params:,} "
        f"({largest.params / full.trainable_params:.0%}) sit in {largest.name}, the {ordinal_dense(plain)} dense "
        f"layer, which reads the flattened feature maps. With {pooled.label} that layer has {same.params:,} and the "
        f"model {small.trainable_params:,}: {full.trainable_params / small.trainable_params:.1f} times fewer, with "
        f"{full.total_macs / small.total_macs:.1f} times fewer multiply-accumulates and "
        f"{full.total_activation_bytes / small.total_activation_bytes:.1f} times less activation memory."
    )


def ordinal_dense(variant: Variant) -> str:
    """Which of the model's dense layers holds most parameters: "first", or "last" where it is the only one."""
    dense = [row.name for row in variant.summary.rows if row.type == "Linear"]
    return "last" if variant.largest_layer.name == dense[-1] else "first"


def accuracy_sentences(results: Results) -> list[str]:
    """Whether the nets as the lectures have them do worse without pooling, over pairs of runs with the same seed."""
    if not results.trained:
        return []
    return [
        f"{_accuracy_test(results, plain, pooled).sentence()} {_gap_test(results, plain, pooled).sentence()}"
        for plain, pooled in pairs(results.variants)
    ]


def _accuracy_test(results: Results, plain: Variant, pooled: Variant) -> PairedTest:
    with_pool, without = (results.values(variant, "test_accuracy") for variant in (pooled, plain))
    reached = f"test accuracy {results.text(pooled, 'test_accuracy')} with {pooled.label}"
    measure = f"{reached}, {results.text(plain, 'test_accuracy')} without; difference"
    return paired_test(f"{plain.model} does worse without pooling", measure, with_pool, without)


def _gap_test(results: Results, plain: Variant, pooled: Variant) -> PairedTest:
    gaps = (results.gap(variant, "accuracy") for variant in (plain, pooled))
    measure = f"train minus test accuracy, no pooling minus {pooled.label}"
    return paired_test(f"{plain.model} overfits more without pooling", measure, *gaps)


if __name__ == "__main__":
    run(main, Config)
