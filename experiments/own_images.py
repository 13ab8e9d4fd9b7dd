"""Your own images: a folder a class goes in; accuracy, the confusion matrix and the worst mistakes come out.

The claim: the networks of the lectures learn other pictures than theirs unchanged. FOLDER holds a folder a class, with
PNG or JPEG files; their names are the classes. A share of each class is held back from training and measured on (or
FOLDER/test is, where FOLDER holds train/ and test/ with the class folders in them).

Run `python -m experiments.own_images --dataset folder:FOLDER --validation 0.2`: one core reads 70,000 PNGs of 28×28
pixels in about five seconds; training costs what it does in `experiments.pooling`. Expect the accuracy of the same
images in IDX files, as what is read is equal to them, pixel by pixel. Files of several sizes need `--image-size 32` or
so; photos also `--resize crop`, and a larger `--image-size` for more detail. The worst mistakes, with the names of
their files, are often wrong labels: mend these first. Broken files, of which notMNIST has some, are named and refused;
`--skip-broken` leaves them out and says how many. `--epochs 0` reads, counts and draws.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import optax
import tyro

from experiments.harness.command import run
from experiments.harness.environment import environment
from experiments.harness.mistakes import Answers, class_records, confusion_section, mistakes_section, sentences
from experiments.harness.options import RunOptions, check
from experiments.harness.pictures import layer_table, training_section
from experiments.harness.results import open_folder, write_picture, write_report, write_result
from experiments.harness.runs import Variant, count, counts, create, measured
from experiments.harness.tables import accuracy_records, print_table, size_records
from jaxcnn.data import Dataset
from jaxcnn.data.dataset import sampled
from jaxcnn.data.folder import FolderImages, folder_splits, left_out, read_files
from jaxcnn.training import fit_seeds, predict
from jaxcnn.visualization import Note, Picture, Section, Table, images

SHARE = 0.2
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Config(RunOptions):
    """A model of choice on a folder of images."""

    dataset: Annotated[
        str, tyro.conf.arg(help="folder:PATH, of a folder that holds a folder a class, with PNG or JPEG files.")
    ] = ""
    folder: Annotated[Path | None, tyro.conf.arg(help="The same folder by its path alone.")] = None
    model: Annotated[
        Literal["convnet", "swish_cnn", "lenet5", "simple_cnn", "fashion_cnn", "mlp"], tyro.conf.arg(help="The model.")
    ] = "convnet"
    image_size: Annotated[
        int | None, tyro.conf.arg(help="Height and width of all images, in pixels; None where the files have one size.")
    ] = None
    resize: Annotated[
        Literal["stretch", "pad", "crop"],
        tyro.conf.arg(help="How files of other proportions reach --image-size: distorted, with black edges, or cut."),
    ] = "stretch"
    channels: Annotated[
        Literal[1, 3] | None, tyro.conf.arg(help="1 for grey, 3 for RGB; None where the files are all of one kind.")
    ] = None
    validation: Annotated[
        float | None,
        tyro.conf.arg(
            help=f"Share of each class to hold back; None means FOLDER/test, or {SHARE} where there is none."
        ),
    ] = None
    skip_broken: Annotated[
        bool, tyro.conf.arg(help="Leave out files that hold no image, or a damaged one, and say how many.")
    ] = False
    split_seed: Annotated[int, tyro.conf.arg(help="Decides which images are held back.")] = 0
    seeds: Annotated[int, tyro.conf.arg(help="How often the model is trained, with seeds 0, 1, …")] = 1
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training images; 0 trains nothing.")] = 5
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/own_images"
    )

    @property
    def root(self) -> Path:
        """The folder that --dataset or --folder names.

        Raises:
          ValueError: for both of them, neither, or a set that is no folder.
        """
        kind, _, path = self.dataset.partition(":")
        if bool(self.dataset) == (self.folder is not None) or (self.dataset and not (kind == "folder" and path)):
            raise ValueError(
                f"--dataset must be folder:PATH, or --folder a path, and not both; got --dataset {self.dataset!r}"
                f" and --folder {self.folder}; experiments.pooling trains on named sets"
            )
        return self.folder or Path(path)


class Parts(NamedTuple):
    """The images to train on, those held back and the files of these, and what was left out, as the folder names it."""

    train: Dataset
    held_back: Dataset
    files: tuple[Path, ...]
    broken: tuple[Path, ...]


def main(config: Config) -> Rows:
    """Read, train and draw; returns the rows of `result.json`."""
    check(config)
    parts = read_parts(config)
    variant = count(config.model, {}, "own images", parts.train)
    folder, where = open_folder(config.out), environment()
    print(describe(parts), file=sys.stderr)
    rows, answers = learn(config, parts, variant)
    write_result(folder, "own_images", config, where, rows, complete=True)
    findings = [] if answers is None else sentences(rows, answers)
    print_tables(rows, answers)
    print(*findings, sep="\n", end="\n" if findings else "")
    sections = build_sections(config, folder, parts, variant, rows, answers)
    write_report(folder, f"Own images: {parts.train.name}", sections, [Note(describe(parts)), *findings], where)
    return rows


def read_parts(config: Config) -> Parts:
    """The folder's images in two parts.

    Raises:
      ValueError, OSError: as `read_folder`, and for a share outside (0, 1) or a negative seed.
    """
    root, inside = config.root, "test" if config.validation is None else ""
    if inside in folder_splits(root):
        train, test = _read(config, "train"), _read(config, "test")
        return Parts(train.dataset, test.dataset, _inside(root, test.paths), _inside(root, train.broken + test.broken))
    found, seed = _read(config, "train"), config.split_seed
    share = SHARE if config.validation is None else config.validation
    held_back = np.flatnonzero(sampled(found.dataset.labels, share, seed=seed))
    files = _inside(root, [found.paths[i] for i in held_back])
    return Parts(*found.dataset.split(share, seed=seed), files, _inside(root, found.broken))


def _inside(folder: Path, paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(path.relative_to(folder.expanduser()) for path in paths)


def _read(config: Config, split: str) -> FolderImages:
    return read_files(
        config.root,
        image_size=config.image_size,
        channels=config.channels,
        resize=config.resize,
        split=split,
        skip_broken=config.skip_broken,
    )


def describe(parts: Parts) -> str:
    """Which images a result rests on."""
    train, held_back = parts.train, parts.held_back
    size = "×".join(map(str, train.images.shape[1:3]))
    told = (
        f"{train.name}: {len(train):,} training and {len(held_back):,} held-back images of {size} pixels, "
        f"{'grey' if train.images.shape[3] == 1 else 'RGB'}, {len(train.class_names)} classes."
    )
    return f"{told} L{left_out(parts.broken)[1:]}." if parts.broken else told


def learn(config: Config, parts: Parts, variant: Variant) -> tuple[list[dict[str, Any]], Answers | None]:
    """A row a seed, and what the first model that did not diverge answers on the held-back images."""
    train, test, seeds = parts.train, parts.held_back, range(config.seeds)
    rows = [counts(variant, train, test, seed=seed) | {"left_out": len(parts.broken)} for seed in seeds]
    if not config.epochs:
        return rows, None
    built = [create(config.model, {}, train, seed=seed) for seed in seeds]
    histories = fit_seeds(
        built,
        train,
        validation=test,
        epochs=config.epochs,
        batch_size=config.batch_size,
        optimizer=optax.rmsprop(1e-3, decay=0.9, eps=1e-7),
        seeds=seeds,
    )
    rows = [row | measured(model, h, train) for row, model, h in zip(rows, built, histories, strict=True)]
    whole = [seed for seed in seeds if not histories[seed].error]
    if not whole:
        return rows, None
    answers = Answers(test, np.asarray(predict(built[whole[0]], test.images)))
    rows[whole[0]]["confusion"] = answers.matrix.tolist()
    return rows, answers


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
    means = f"The test images are those held back; means over {config.seeds} seeds, with 95% intervals from two on."
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
        Section("The images", [examples_picture(folder, parts.train)]),
        Section("How it was measured", how_measured(config)),
    ]


def examples_picture(folder: Path, train: Dataset) -> Picture:
    """Twelve training images, spread over the classes: they lie in the order of these."""
    chosen = np.unique(np.linspace(0, len(train) - 1, 12).astype(int))
    names = [train.class_names[label] for label in train.labels[chosen]]
    figure = images(train.images[chosen], names, title=f"{train.name}: training images and their classes")
    return write_picture(folder, "images", figure, f"A grid of training images: {', '.join(names)}.")


def how_measured(config: Config) -> list[str]:
    """The recipe, and what the numbers mean."""
    held_back = (
        f"Held back: images drawn class by class with split seed {config.split_seed}, or the folder test, where "
        "there is one and no share was named. No step trains on them."
    )
    recipe = (
        "Recipe, as in the lectures: RMSprop with Keras's defaults (learning rate 0.001, decay 0.9, epsilon 1e-7), "
        f"batch {config.batch_size}, {config.epochs} epochs, Glorot uniform kernels and zero biases, cross-entropy. "
        f"Seeds 0 to {config.seeds - 1} set the initial weights and the order of the images; classes, confusion "
        "matrix and mistakes are those of the first seed that did not diverge."
    )
    return [held_back, recipe] if config.epochs else [held_back]


if __name__ == "__main__":
    run(main, Config)
