"""A bar on the terminal for what takes its time before there is a batch."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar; gives what moves it on by so many."""
    # The stream itself, since TFDS's own output is kept off sys.stderr meanwhile.
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    shown = Progress(*columns, TimeRemainingColumn(), console=console, redirect_stdout=False, redirect_stderr=False)
    with shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.advance(task, count)
