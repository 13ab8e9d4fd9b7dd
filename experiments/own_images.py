"""Your own images: a folder a class goes in; accuracy, the confusion matrix and the worst mistakes come out.

The claim: the networks of the lectures learn other pictures than theirs unchanged. FOLDER holds a folder a class, with
PNG or JPEG files; their names are the classes. A share of each class is held back from training and measured on (or
FOLDER/test is, where FOLDER holds train/ and test/ with the class folders in them).

Run `python -m experiments.own_images --dataset folder:FOLDER --validation 0.2`: one core reads 70,000 PNGs of 28×28
pixels in about five seconds; training costs what it does in `experiments.pooling`. Expect the accuracy of the same
images in IDX files, as what is read is equal to them, pixel by pixel. Files of several sizes need `--image-size 32` or
so; photos also `--resize crop`, and a larger `--image-size` for more detail. The worst mistakes, with the names of
their files, are often wrong labels: mend these first. Broken files, of which notMNIST has some, are named and refused;
`--skip-broken` leaves them out and says how many. A folder larger than memory needs `--stream`, which reads the images
as training goes, all but those held back. `--epochs 0` reads, counts and draws.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optax
from flax import nnx

from experiments.harness.command import run
from experiments.harness.environment import environment
from experiments.harness.mistakes import Answers, class_records, confusion_section, mistakes_section, sentences
from experiments.harness.options import duration
from experiments.harness.own_options import Config, check_config
from experiments.harness.own_parts import Parts, describe, read_parts
from experiments.harness.pictures import layer_table, training_section
from experiments.harness.results import open_folder, write_picture, write_report, write_result
from experiments.harness.runs import Variant, count, counts, create, measured, measures
from experiments.harness.streamed import evaluate_streamed, fit_streamed
from experiments.harness.tables import accuracy_records, print_table, size_records
from jaxcnn.data import Dataset, stream
from jaxcnn.data.folder_source import FolderSource
from jaxcnn.training import History, fit_seeds, predict
from jaxcnn.training.evaluation import EVALUATION_BATCH_SIZE
from jaxcnn.visualization import Note, Picture, Section, Table, images

Rows = Sequence[Mapping[str, Any]]


def main(config: Config) -> Rows:
    """Read, train and draw; returns the rows of `result.json`."""
    check_config(config)
    parts = read_parts(config)
    variant = count(config.model, {}, "own images", parts.held_back)
    folder, where = open_folder(config.out), environment()
    print(describe(parts), file=sys.stderr)
    rows, answers = learn(config, parts, variant)
    write_result(folder, "own_images", config, where, rows, complete=True)
    findings = [] if answers is None else sentences(rows, answers)
    print_tables(rows, answers)
    print(*findings, sep="\n", end="\n" if findings else "")
    sections = build_sections(config, folder, parts, variant, rows, answers)
    write_report(folder, f"Own images: {parts.held_back.name}", sections, [Note(describe(parts)), *findings], where)
    return rows


def learn(config: Config, parts: Parts, variant: Variant) -> tuple[list[dict[str, Any]], Answers | None]:
    """A row a seed, and what the first model that did not diverge answers on the held-back images."""
    test, seeds = parts.held_back, range(config.seeds)
    given = {"train_examples": len(parts.train), "left_out": len(parts.broken)}
    rows = [counts(variant, test, test, seed=seed) | given for seed in seeds]
    if not config.epochs:
        return rows, None
    built = [create(config.model, {}, test, seed=seed) for seed in seeds]
    histories = fitted(config, parts, built)
    rows = [row | found(model, h, parts.train) for row, model, h in zip(rows, built, histories, strict=True)]
    whole = [seed for seed in seeds if not histories[seed].error]
    if not whole:
        return rows, None
    answers = Answers(test, np.asarray(predict(built[whole[0]], test.images)))
    rows[whole[0]]["confusion"] = answers.matrix.tolist()
    return rows, answers


def fitted(config: Config, parts: Parts, built: Sequence[nnx.Module]) -> list[History]:
    """The models trained, each with its seed: side by side on images in memory, one after the other on a stream."""
    train, test, epochs, size = parts.train, parts.held_back, config.epochs, config.batch_size
    optimizer = optax.rmsprop(1e-3, decay=0.9, eps=1e-7)
    if isinstance(train, Dataset):
        seeds = range(len(built))
        return fit_seeds(
            built, train, validation=test, epochs=epochs, batch_size=size, optimizer=optimizer, seeds=seeds
        )
    return [
        fit_streamed(model, train, test, epochs=epochs, batch_size=size, optimizer=optimizer, seed=seed)
        for seed, model in enumerate(built)
    ]


def found(model: nnx.Module, history: History, train: Dataset | FolderSource) -> dict[str, Any]:
    """The part of a row that training finds."""
    if history.error:
        return {"error": history.error}
    if isinstance(train, Dataset):
        return measured(model, history, train)
    with stream(train, batch_size=EVALUATION_BATCH_SIZE, seed=0, epochs=1) as batches:
        return measures(history, evaluate_streamed(model, batches))


def print_tables(rows: Rows, answers: Answers | None) -> None:
    """The report's tables of accuracy, on the terminal."""
    print_table(size_records(rows), title="What the model costs, for one image")
    if accuracies := accuracy_records(rows):
        print_table(accuracies, title="What it achieved; its test images are those held back")
    if answers is not None:
        print_table(class_records(answers), title="Class by class, on the held-back images")


def build_sections(
    config: Config, folder: Path, parts: Parts, variant: Variant, rows: Rows, answers: Answers | None
) -> list[Section]:
    """The page's parts; its pictures are also written as PNGs beside it."""
    means = "The test images are those held back; means over the seeds, with 95% intervals from two on."
    sections = []
    if accuracies := accuracy_records(rows):
        sections.append(Section("What it achieved", [Table(accuracies, means)]))
    if answers is not None:
        caption = "Held-back images of each class, and how many of them were recognised."
        sections += [
            Section("Class by class", [Table(class_records(answers), caption)]),
            confusion_section(folder, answers),
            mistakes_section(folder, answers, parts.files),
            training_section(folder, [variant], rows),
        ]
    return [
        *sections,
        Section("The model", [Table(size_records(rows), "Counted, for one image."), layer_table(variant)]),
        Section("The images", [examples_picture(folder, parts)]),
        Section("How it was measured", how_measured(config)),
    ]


def examples_picture(folder: Path, parts: Parts) -> Picture:
    """Twelve training images, spread over the classes: they lie in the order of these."""
    train, class_names = parts.train, parts.held_back.class_names
    chosen = np.unique(np.linspace(0, len(train) - 1, 12).astype(int))
    pixels = train.images[chosen] if isinstance(train, Dataset) else train.read(chosen)[0]
    names = [class_names[label] for label in train.labels[chosen]]
    figure = images(pixels, names, title=f"{parts.held_back.name}: training images and their classes")
    return write_picture(folder, "images", figure, f"A grid of training images: {', '.join(names)}.")


def how_measured(config: Config) -> list[str]:
    """The recipe, and what the numbers mean."""
    held_back = (
        f"Held back: images drawn class by class with split seed {config.split_seed}, or the folder test, where "
        "there is one and no share was named. No step trains on them."
    )
    recipe = (
        "Recipe, as in the lectures: RMSprop with Keras's defaults (learning rate 0.001, decay 0.9, epsilon 1e-7), "
        f"batch {config.batch_size}, {duration(config.epochs)}, Glorot uniform kernels and zero biases, cross-entropy. "
        f"Seeds 0 to {config.seeds - 1} set the initial weights and the order of the images; classes, confusion "
        "matrix and mistakes are those of the first seed that did not diverge."
    )
    read = ["The training images were read as training went, in an order drawn by the stream."] if config.stream else []
    return [held_back, recipe, *read] if config.epochs else [held_back]


if __name__ == "__main__":
    run(main, Config)
