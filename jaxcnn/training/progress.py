"""How far training has come: a rich bar on a terminal, a line an epoch elsewhere, or nothing."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from jaxcnn.training.checks import check_flag


class Silent:
    """Says nothing; the others refine it."""

    def advance(self, epoch: int, means: Mapping[str, float], examples: int, seconds: float) -> None:
        """Part of an epoch (counted from 0) is done: means so far over `examples`, in `seconds`."""

    def finish_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done: `row` has loss, accuracy, seconds, and val_loss and val_accuracy where they exist."""


class Lines(Silent):
    """One line an epoch on stderr, for files and pipes."""

    def __init__(self, epochs: int, examples: int, name: str):
        self.epochs, self.examples, self.name = epochs, examples, name

    def finish_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        line = self.name + epoch_line(epoch, self.epochs, self.examples, row)
        sys.stderr.write(line + "\n")  # one write, so that lines of runs side by side stay whole
        sys.stderr.flush()


class Bar(Silent):
    """A bar over all epochs, below one line for each finished one."""

    def __init__(self, progress: Progress, epochs: int, examples: int, name: str):
        self.progress, self.epochs, self.examples, self.name = progress, epochs, examples, name
        self.task: TaskID = progress.add_task(f"{name}compiling", total=epochs * examples, means="", speed="")

    def advance(self, epoch: int, means: Mapping[str, float], examples: int, seconds: float) -> None:
        self.progress.update(
            self.task,
            completed=epoch * self.examples + examples,
            description=f"{self.name}epoch {epoch + 1}/{self.epochs}",
            means=f"loss {means['loss']:.4f}  accuracy {means['accuracy']:.4f}",
            speed=f"{examples / seconds:,.0f} images/s",
        )

    def finish_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self.progress.update(self.task, completed=(epoch + 1) * self.examples)
        line = self.name + epoch_line(epoch, self.epochs, self.examples, row)
        self.progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def reporter(enabled: object, epochs: int, examples: int) -> Iterator[Silent]:
    """The report that fits where stderr goes; leaves the terminal clean, also after an error."""
    with reporters(enabled, epochs, examples, ("",)) as (report,):
        yield report


@contextmanager
def reporters(enabled: object, epochs: int, examples: int, names: Sequence[str]) -> Iterator[list[Silent]]:
    """The same for several runs on one terminal; what each says begins with its name."""
    console = Console(stderr=True)
    if not check_flag("progress", enabled):
        yield [Silent() for _ in names]
    elif not console.is_terminal:
        yield [Lines(epochs, examples, name) for name in names]
    else:
        with _bar(console) as progress:
            yield [Bar(progress, epochs, examples, name) for name in names]


def epoch_line(epoch: int, epochs: int, examples: int, row: Mapping[str, float]) -> str:
    """A finished epoch in words and numbers."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    means = ", ".join(f"{name} {row[name]:.4f}" for name in names if name in row)
    speed = examples / max(row["seconds"], 1e-9)
    return f"epoch {epoch + 1}/{epochs}: {means}, {row['seconds']:.2f} s, {speed:,.0f} images/s"


def _bar(console: Console) -> Progress:
    columns = ("{task.description}", "{task.fields[means]}", "{task.fields[speed]}")
    return Progress(
        *map(TextColumn, columns[:1]),
        BarColumn(bar_width=None),
        *map(TextColumn, columns[1:]),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        expand=True,
    )
