"""What a model gets wrong: by class, class against class, and image by image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.harness.results import write_picture
from experiments.harness.tables import Records, Rows, over_runs
from jaxcnn.data import Dataset
from jaxcnn.visualization import Picture, Section, Table, confusion, images

MOST_SHOWN = 24
MOST_COLUMNS = 60  # of a table that can still be read


@dataclass(frozen=True)
class Answers:
    """A model's answers to a set: probabilities (n, classes), and what follows from them."""

    dataset: Dataset
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The class with the highest probability, one an image."""
        return self.probabilities.argmax(1)

    @property
    def matrix(self) -> np.ndarray:
        """`matrix[i, j]`: images of class i that were taken for class j."""
        classes = len(self.dataset.class_names)
        pairs = self.dataset.labels.astype(np.int64) * classes + self.predicted
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    def worst(self, most: int = MOST_SHOWN) -> np.ndarray:
        """Indices of wrong answers, first those that gave the true class the least probability."""
        wrong = np.flatnonzero(self.predicted != self.dataset.labels)
        of_truth = self.probabilities[wrong, self.dataset.labels[wrong]]
        return wrong[np.argsort(of_truth, kind="stable")[:most]]


def class_records(answers: Answers) -> Records:
    """A line a class: its images, how many were recognised, and what it was most often taken for."""
    matrix, names = answers.matrix, answers.dataset.class_names
    return [
        {
            "class": name,
            "images": f"{row.sum():,}",
            "right": f"{row[i]:,}",
            "accuracy": f"{row[i] / row.sum():.4f}" if row.sum() else "–",
            "most often taken for": _rival(row, i, names),
        }
        for i, (name, row) in enumerate(zip(names, matrix, strict=True))
    ]


def _rival(row: np.ndarray, own: int, names: Sequence[str]) -> str:
    others = np.where(np.arange(len(row)) == own, 0, row)
    return f"{names[int(others.argmax())]} ({others.max():,})" if others.any() else "–"


def sentences(rows: Rows, answers: Answers) -> list[str]:
    """How many were recognised, against one answer to all, and which class is the hardest."""
    names, matrix = answers.dataset.class_names, answers.matrix
    sizes = matrix.sum(axis=1)
    guess = sizes.max() / sizes.sum()
    accuracy = (
        f"Accuracy on the held-back images: {over_runs(rows, 'test_accuracy', 4)}; one answer "
        f"to all of them would reach {guess:.4f} at best."
    )
    shares = np.where(sizes > 0, matrix.diagonal() / np.maximum(sizes, 1), np.inf)
    hardest = int(shares.argmin())
    return [
        accuracy,
        f"Hardest class: {names[hardest]}, with {matrix[hardest, hardest]:,} of {sizes[hardest]:,} images recognised.",
    ]


def confusion_section(folder: Path, answers: Answers) -> Section:
    """The matrix as a picture and, where it can be read, as a table."""
    matrix, names = answers.matrix, answers.dataset.class_names
    figure = confusion(matrix, names, title="True classes and what they were taken for")
    alt = "A square grid: how many images of each true class were taken for each class; the table holds the numbers."
    blocks: list[Picture | Table | str] = [write_picture(folder, "confusion", figure, alt)]
    if len(names) <= MOST_COLUMNS:
        rows = [(name, *map(int, row)) for name, row in zip(names, matrix, strict=True)]
        caption = "Images of the true class (row) that were taken for each class (column)."
        blocks.append(Table(rows, caption, ("true class", *names)))
    else:
        blocks.append(f"{len(names)} classes are too many for a table; result.json holds the whole matrix.")
    return Section("Confusion matrix", blocks)


def mistakes_section(folder: Path, answers: Answers, files: Sequence[Path]) -> Section:
    """The worst mistakes as pictures, and which files they are."""
    worst, names = answers.worst(), answers.dataset.class_names
    wrong = int((answers.predicted != answers.dataset.labels).sum())
    if not wrong:
        return Section("Worst mistakes", ["Every held-back image was recognised."])
    truth = [names[label] for label in answers.dataset.labels[worst]]
    taken = [names[label] for label in answers.predicted[worst]]
    captions = [f"{own}, taken for {other}" for own, other in zip(truth, taken, strict=True)]
    figure = images(answers.dataset.images[worst], captions, title="The worst mistakes, the worst first")
    alt = f"A grid of images: {'; '.join(captions)}."
    told = f"{len(worst)} of {wrong:,} wrong answers, first those that gave the true class the least probability."
    rows = [
        (
            str(files[i]),
            own,
            other,
            float(answers.probabilities[i, answers.predicted[i]]),
            f"{_of_truth(answers, i):.2g}",
        )
        for i, own, other in zip(worst, truth, taken, strict=True)
    ]
    columns = ("file", "true class", "taken for", "its probability", "probability of the true class")
    return Section(
        "Worst mistakes",
        [told, write_picture(folder, "mistakes", figure, alt), Table(rows, "The files of these images.", columns)],
    )


def _of_truth(answers: Answers, index: int) -> float:
    return float(answers.probabilities[index, answers.dataset.labels[index]])
