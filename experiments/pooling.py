"""Pooling against no pooling: parameters, compute, memory, accuracy and time of the same CNN.

The claim of the lectures: pooling shrinks the feature maps, so that a CNN needs fewer parameters and less compute, at
no cost in accuracy. Each of three CNNs is built with max, average and min pooling, with strided convolutions instead,
and with neither; counted; and trained on the same images with the lectures' recipe (RMSprop as Keras sets it, batch
64, Glorot uniform).

Run `python -m experiments.pooling`: about five minutes on two cores. `--epochs 0` only counts and draws. Expect the
nets without pooling to have many times the parameters and multiply-accumulates of the pooled ones; two epochs on the
sample don't establish a difference in test accuracy between them. The lecture's own run, with the full set in FOLDER,
reaches a test accuracy of 0.990:
`python -m experiments.pooling --data-dir FOLDER --epochs 5 --models convnet --pools max --seeds 3`
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import optax
import tyro

from experiments.harness.command import run
from experiments.harness.options import Options, check, describe, load_both
from experiments.harness.pictures import images_picture, layer_table, parameters_picture, trained_sections
from experiments.harness.runs import Variant, count, measurements, runs_of
from experiments.harness.session import Session, open_session
from experiments.harness.statistics import Estimate, estimate
from experiments.harness.tables import accuracy_records, print_table, size_records
from jaxcnn.visualization import Note, Section, Table, report, write_atomically

LABELS = {
    "max": "max pooling",
    "avg": "average pooling",
    "min": "min pooling",
    "stride": "strided convolution",
    "none": "no pooling",
}
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Config(Options):
    """Pooling against no pooling."""

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
    check(config)
    train, test = load_both(config)
    variants = [count(model, {"pool": pool}, LABELS[pool], train) for model in config.models for pool in config.pools]
    session = open_session("pooling", config, train, test)
    print(describe(train, test), file=sys.stderr)
    rows = session.run(variants, optax.rmsprop(1e-3, decay=0.9, eps=1e-7))
    findings = [*size_sentences(variants), *accuracy_sentences(variants, rows)]
    print_table(size_records(rows), title="What each variant costs, for one image")
    if accuracies := accuracy_records(rows):
        print_table(accuracies, title="What each variant achieved")
    print(*findings, sep="\n", end="\n" if findings else "")
    page = session.folder / "report.html"
    write_atomically(page, build_report(session, variants, rows, findings))
    print(f"Report: {page}")
    return rows


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


def accuracy_sentences(variants: Sequence[Variant], rows: Rows) -> list[str]:
    """Test accuracy with and without pooling, and whether the difference exceeds the intervals."""
    sentences = []
    for plain, pooled in pairs(variants):
        without, with_pool = (measurements(runs_of(v, rows), "test_accuracy") for v in (plain, pooled))
        if without and with_pool:
            a, b = estimate(with_pool), estimate(without)
            sentences.append(
                f"{plain.model}: test accuracy {a.text(4)} with {pooled.label}, {b.text(4)} without pooling; "
                f"{verdict(a, b)}."
            )
    return sentences


def verdict(a: Estimate, b: Estimate) -> str:
    """What the difference of two means says, given their intervals."""
    gain = a.mean - b.mean
    if a.half_width is None or b.half_width is None:
        return f"a difference of {gain:+.4f} between single runs, which says little"
    if abs(gain) <= a.half_width + b.half_width:
        return f"the difference of {gain:+.4f} is not established: the 95% intervals overlap"
    return f"the difference of {gain:+.4f} is established: the 95% intervals don't overlap"


def build_report(session: Session, variants: Sequence[Variant], rows: Rows, findings: Sequence[str]) -> str:
    """The page; its pictures are also written as PNGs beside it."""
    folder, accuracies = session.folder, accuracy_records(rows)
    source = Note(describe(session.train, session.test), warning=session.train.source == "sample")
    means = f"Means over {session.options.seeds} seeds, with 95% confidence intervals (Student's t) from two seeds on."
    sections = [
        Section("What each variant costs", [Table(size_records(rows), "Counted, for one image.")]),
        *([Section("What each variant achieved", [Table(accuracies, means)])] if accuracies else []),
        *trained_sections(folder, variants, rows),
        Section("Where the parameters sit", [parameters_picture(folder, variants), *_layers(variants)]),
        Section("The images", [images_picture(folder, session.train)]),
        Section("How it was measured", _measured(session)),
    ]
    return report(
        "Pooling against no pooling", sections, introduction=[source, *findings], environment=session.environment
    )


def _layers(variants: Sequence[Variant]) -> list[Table]:
    """The layers of the first model that has both, without pooling and with one."""
    return [layer_table(variant) for pair in pairs(variants)[:1] for variant in pair]


def _measured(session: Session) -> list[str]:
    options = session.options
    recipe = (
        "Recipe, as in the lectures: RMSprop with Keras's defaults (learning rate 0.001, decay 0.9, epsilon 1e-7), "
        f"batch {options.batch_size}, {options.epochs} epochs, Glorot uniform kernels and zero biases, cross-entropy. "
        f"Seeds 0 to {options.seeds - 1} set the initial weights and the order of the images."
    )
    definitions = (
        "MACs are multiply-accumulates of one forward pass; activations are the bytes of all layer outputs. The "
        "receptive field is that of one cell of the last feature map, in pixels. Accuracy and loss are measured after "
        "the last epoch, on all training and all test images. Seconds are training alone, without compilation; the "
        "seeds of a variant train side by side and share the wall clock."
    )
    return [recipe, definitions] if options.epochs else [definitions]


if __name__ == "__main__":
    run(main, Config)
