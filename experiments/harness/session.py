"""One session of an experiment: where it writes, what it rests on, and its runs in order."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optax

from experiments.harness.environment import environment
from experiments.harness.options import Options, describe
from experiments.harness.results import open_folder, write_result
from experiments.harness.runs import Images, Trained, Variant, train_and_test
from jaxcnn.data import Dataset


@dataclass(frozen=True)
class Session:
    """What an experiment rests on, settled before it trains."""

    experiment: str
    options: Options
    train: Dataset
    test: Dataset
    folder: Path
    environment: dict[str, str]
    validation: Dataset | None = None

    @property
    def images(self) -> Images:
        """What variants without images of their own train on."""
        return Images(self.train, self.test, self.validation)

    @property
    def source(self) -> str:
        """Which images the results rest on."""
        held_out = f" Curves follow {len(self.validation):,} validation images." if self.validation else ""
        return describe(self.train, self.test, quick=self.options.quick) + held_out

    def run(self, variants: Sequence[Variant], optimizer: optax.GradientTransformation) -> list[dict[str, Any]]:
        """Train every variant with every seed, and keep the rows alone."""
        return [row for trained in self.train_each(variants, optimizer) for row in trained.rows]

    def train_each(self, variants: Sequence[Variant], optimizer: optax.GradientTransformation) -> Iterator[Trained]:
        """Train one variant after the other, its seeds side by side.

        `result.json` is rewritten after each, so that a stop loses the runs of one.
        """
        rows: list[dict[str, Any]] = []
        for number, variant in enumerate(variants, 1):
            if self.options.epochs:
                print(f"[{number}/{len(variants)}] {variant.model}, {variant.label}", file=sys.stderr)
            trained = self._train_one(variant, optimizer)
            rows += trained.rows
            if self.options.epochs or number == len(variants):
                self._write(rows, complete=number == len(variants))
            yield trained

    def _train_one(self, variant: Variant, optimizer: optax.GradientTransformation) -> Trained:
        seeds, epochs, batch_size = range(self.options.seeds), self.options.epochs, self.options.batch_size
        return train_and_test(
            variant, self.images, seeds=seeds, epochs=epochs, batch_size=batch_size, optimizer=optimizer
        )

    def _write(self, rows: Sequence[dict[str, Any]], *, complete: bool) -> None:
        write_result(self.folder, self.experiment, self.options, self.environment, rows, complete=complete)


def open_session(
    experiment: str, options: Options, train: Dataset, test: Dataset, validation: Dataset | None = None
) -> Session:
    """A session that writes to the options' folder.

    Raises:
      ValueError: where that folder can't be written to.
    """
    return Session(experiment, options, train, test, open_folder(options.out), environment(), validation)
