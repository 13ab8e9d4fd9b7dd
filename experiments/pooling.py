"""Pooling against no pooling: parameters, compute, memory, accuracy and time of the same CNN.

The claim of the lectures: pooling shrinks the feature maps, so that a CNN needs fewer parameters and less compute, at
no cost in accuracy. Each of three CNNs is built with max, average and min pooling, with strided convolutions instead,
and with neither; counted; and trained on the same images with the lectures' recipe (RMSprop as Keras sets it, batch
64, Glorot uniform).

Run `python -m experiments.pooling`: about three minutes on two cores; `--quick` looks at one model in seconds and
`--epochs 0` only counts and draws. Expect the nets without pooling to have many times the parameters and
multiply-accumulates of the pooled ones; two epochs on the sample don't rank them by test accuracy. The
lecture's own run, with the full set in FOLDER, reaches a test accuracy of 0.990:
`python -m experiments.pooling --data-dir FOLDER --epochs 5 --models convnet --pools max --seeds 3`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from experiments.harness.command import run
from experiments.harness.comparison import begin, present, trained
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.runs import Variant, count, measurements, runs_of
from experiments.harness.statistics import Estimate, estimate

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
    session = begin("pooling", config)
    models = config.models[:1] if config.quick else config.models
    variants = [count(model, {"pool": pool}, LABELS[pool], session.train) for model in models for pool in config.pools]
    results = trained(session, variants, rmsprop())
    return present(
        results,
        title="Pooling against no pooling",
        findings=[*size_sentences(variants), *accuracy_sentences(variants, results.rows)],
        recipe=f"Recipe, as in the lectures: {RMSPROP}, {START}",
        layers=[variant for pair in pairs(variants)[:1] for variant in pair],
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


if __name__ == "__main__":
    run(main, Config)
