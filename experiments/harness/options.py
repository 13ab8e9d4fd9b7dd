"""The options that every experiment takes."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from jaxcnn.data import Dataset, available, load
from jaxcnn.geometry import as_int

QUICK_EPOCHS, QUICK_SEEDS, QUICK_TRAIN, QUICK_TEST = 1, 2, 1_000, 500


@dataclass(frozen=True)
class RunOptions:
    """How to train, and where to write; an experiment's Config sets its own defaults."""

    epochs: Annotated[
        int, tyro.conf.arg(help="Passes over the training set; 0 counts and draws, and trains nothing.")
    ] = 2
    batch_size: Annotated[int, tyro.conf.arg(help="Images a training step.")] = 64
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 2
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path("runs")


@dataclass(frozen=True)
class Options(RunOptions):
    """Options that every experiment on a named set takes."""

    dataset: Annotated[str, tyro.conf.arg(help=f"Data set: {' or '.join(available())}.")] = "mnist"
    data_dir: Annotated[
        Path | None,
        tyro.conf.arg(
            help="Folder that holds the published files, as DATASET/*-ubyte.gz; without it a prepared set or the "
            "shipped sample serves."
        ),
    ] = None
    quick: Annotated[bool, tyro.conf.arg(help="A look in seconds, not a result: fewer images, epochs and seeds.")] = (
        False
    )


Quickened = TypeVar("Quickened", bound=Options)


def check(options: RunOptions) -> None:
    """Refuse numbers that can't be meant.

    Raises:
      ValueError: for epochs below 0, a batch or a number of seeds below 1.
    """
    as_int("--epochs", options.epochs, minimum=0)
    as_int("--batch-size", options.batch_size, minimum=1)
    as_int("--seeds", options.seeds, minimum=1)


def check_distinct(name: str, chosen: Sequence[Any]) -> None:
    """Refuse an option of several values that has none of them, or one of them twice.

    Raises:
      ValueError: for these.
    """
    if not chosen or len(set(chosen)) < len(chosen):
        got = " ".join(map(str, chosen)) or "none"
        raise ValueError(f"{name} must be one or more values, each of them once; got {got}")


def check_learning_rate(rate: float) -> None:
    """Refuse learning rates that nothing learns with.

    Raises:
      ValueError: for what isn't a finite number above 0.
    """
    if not 0 < rate < math.inf:
        raise ValueError(f"--learning-rate must be a finite number above 0, got {rate:g}; try the default")


def quickened(options: Quickened) -> Quickened:
    """The options with few epochs and seeds where a quick look is asked for; as they are otherwise."""
    if not options.quick:
        return options
    epochs, seeds = min(options.epochs, QUICK_EPOCHS), min(options.seeds, QUICK_SEEDS)
    return dataclasses.replace(options, epochs=epochs, seeds=seeds)


def load_both(options: Options) -> tuple[Dataset, Dataset]:
    """The training and the test set that the options name; for a quick look a share of each class of them.

    Raises:
      ValueError, OSError: as `data.load`.
    """
    try:
        train, test = (load(options.dataset, split=split, data_dir=options.data_dir) for split in ("train", "test"))
    except ValueError as error:
        raise ValueError(f"--dataset {options.dataset}: {error}") from error
    return (_some(train, QUICK_TRAIN), _some(test, QUICK_TEST)) if options.quick else (train, test)


def _some(images: Dataset, most: int) -> Dataset:
    return images.split(most / len(images), seed=0)[1] if len(images) > most else images


def duration(epochs: int) -> str:
    """Such as "5 epochs"."""
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def describe(train: Dataset, test: Dataset, *, quick: bool = False) -> str:
    """Which images a result rests on; says of a sample that it is one, and of a quick look too."""
    count = f"{len(train):,} training and {len(test):,} test images"
    if quick:
        whose = "the shipped sample of" if train.source == "sample" else "the full"
        return f"A quick look, not a result: {count} of {whose} {train.name}, and little training."
    if train.source == "sample":
        return (
            f"Shipped sample of {train.name}: {count}, not the full set; --data-dir names a folder with the full one."
        )
    return f"Full {train.name}: {count}."
