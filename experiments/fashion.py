"""The first lecture's CNN on Fashion-MNIST: its summary, its split, its dropout and its curves.

The slides keep a fifth of the training images for validation (48,000 and 12,000 of 60,000), stack two 3×3 convolutions
of 32 and 64 filters with max pooling, a dense layer of 100, dropout of 0.4 and ten outputs, and print 333,526
parameters. The net is trained with and without its dropout.

Run `python -m experiments.fashion`: about a minute and a half on two cores; `--quick` takes seconds and `--epochs 0`
only counts and draws. Expect the slides' numbers layer by layer; after five epochs on the sample no certain difference
that dropout makes; and a test accuracy two to three points below that on the validation images: the sample's test
images are the harder ones, as a nearest neighbour finds too. `--data-dir FOLDER --epochs 20` gives it the full set and
the time to overfit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.nearest import harder_sentence
from experiments.harness.options import Options
from experiments.harness.recipes import ADAM, START, adam
from experiments.harness.runs import Variant, count, measurements, runs_of
from experiments.harness.session import Session
from experiments.harness.statistics import estimate, judge, paired
from jaxcnn.data import Dataset

MODEL = "fashion_cnn"
SHARE, SPLIT_SEED = 0.2, 42  # train_test_split(…, test_size=0.2, random_state=42)
SLIDE = {"conv1": 320, "pool1": 0, "conv2": 18_496, "pool2": 0, "flatten": 0, "dense1": 313_700, "dense2": 1_010}


@dataclass(frozen=True)
class Config(Options):
    """The first lecture's CNN on Fashion-MNIST."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set; the lecture's is fashion_mnist.")] = "fashion_mnist"
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 5
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/fashion"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Count, train and judge; returns the rows of `result.json`."""
    session = begin("fashion", config, validation=lambda train: train.split(SHARE, seed=SPLIT_SEED))
    variants = [
        count(MODEL, {"dropout": 0.4}, "dropout 0.4, as in the slides", session.train),
        count(MODEL, {"dropout": 0.0}, "no dropout", session.train),
    ]
    results = trained(session, variants, adam())
    findings = [summary_sentence(variants[0]), split_sentence(session)]
    return present(
        results,
        title="The first lecture's CNN on Fashion-MNIST",
        findings=[*findings, *(judgements(results) if results.trained else [])],
        recipe=f"Recipe: {ADAM}, {START}",
        layers=variants[:1],
        differ_in_size=False,
    )


def summary_sentence(variant: Variant) -> str:
    """Whether the layers have the parameters that the slide prints."""
    counted = {row.name: row.params for row in variant.summary.rows if row.name in SLIDE}
    same = counted == SLIDE
    told = ", ".join(f"{name} {params:,}" for name, params in counted.items() if params)
    return (
        f"The slide's summary (total {sum(SLIDE.values()):,}): {'holds' if same else 'does not hold for these images'} "
        f"({told}; total {variant.summary.trainable_params:,})."
    )


def split_sentence(session: Session) -> str:
    """How many images train, and how evenly their classes are split."""
    assert session.validation is not None
    rest, part = len(session.train), len(session.validation)
    shares = [share(dataset) for dataset in (session.train, session.validation)]
    return (
        f"The split keeps {part:,} of {rest + part:,} training images ({part / (rest + part):.0%}) for validation, "
        f"class by class: a class makes up {shares[0]} of the rest and {shares[1]} of it."
    )


def share(dataset: Dataset) -> str:
    """The smallest and largest share that a class has, or the one of all."""
    sizes = [int((dataset.labels == label).sum()) / len(dataset) for label in range(len(dataset.class_names))]
    return " to ".join(dict.fromkeys(f"{size:.1%}" for size in (min(sizes), max(sizes))))


def judgements(results: Results) -> list[str]:
    """What was reached, where the validation loss is lowest, what dropout does, and how hard the parts are."""
    dropped, plain = results.variants
    session = results.session
    assert session.validation is not None
    measure = "test minus training loss, without minus with dropout"
    narrower = paired(results.gap(plain, "loss"), results.gap(dropped, "loss"))
    return [
        *(lowest(results, variant) for variant in results.variants),
        judge("Dropout narrows the gap between images seen and unseen", measure, narrower),
        judge(
            "Dropout recognises more unseen images",
            "test accuracy, with minus without dropout",
            results.gain(dropped, plain),
        ),
        harder_sentence(session.train, session.validation, session.test),
    ]


def lowest(results: Results, variant: Variant) -> str:
    """The epoch with the lowest validation loss, at which the slides would stop, and both accuracies at the end."""
    histories = measurements(runs_of(variant, results.rows), "history")
    if not histories:
        return f"{variant.label}: every run diverged."
    losses = [estimate(values).mean for values in zip(*(history["val_loss"] for history in histories), strict=True)]
    held_out = estimate([history["val_accuracy"][-1] for history in histories]).text(4)
    best = losses.index(min(losses))
    last = best == len(losses) - 1
    then = "which is the last: more epochs may help" if last else f"and {losses[-1]:.4f} after the last"
    return (
        f"{variant.label}: validation accuracy {held_out}, test accuracy {results.text(variant, 'test_accuracy')}; the "
        f"validation loss is lowest after epoch {best + 1} of {len(losses)} ({losses[best]:.4f}), {then}."
    )


if __name__ == "__main__":
    run(main, Config)
