"""Prepare a full data set once, from a download or local files; `--list` shows what is there.

    python -m experiments.prepare mnist                    downloads it into your cache folder
    python -m experiments.prepare mnist --data-dir FOLDER  takes FOLDER/mnist/*-ubyte.gz instead
    python -m experiments.prepare emnist/letters           one of the six sets of EMNIST, upright

The images are decoded at once too, into the cache of `data.stream`, which then has nothing to decode.
"""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from experiments.harness.command import run
from jaxcnn.data.decoded_file import kept_bytes
from jaxcnn.data.places import missing, places
from jaxcnn.data.prepare import prepare
from jaxcnn.data.published import PUBLISHED

_WIDE = 10_000  # columns, where no terminal cuts lines


@dataclass(frozen=True)
class Config:
    """Which set, and from where."""

    name: Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(help=f"One of {', '.join(sorted(PUBLISHED))}.")] = (
        None
    )
    data_dir: Annotated[
        Path | None,
        tyro.conf.arg(help="Folder that holds NAME/ with its published files; without it they are downloaded."),
    ] = None
    list: Annotated[bool, tyro.conf.arg(help="Show what is on this machine, and prepare nothing.")] = False


def main(config: Config) -> None:
    """Prepare the set, or print the table.

    Raises:
      ValueError, OSError: as `jaxcnn.data.prepare.prepare`; where neither a name nor --list is given.
    """
    if config.list:
        _print_list(config.data_dir)
    elif config.name is None:
        raise ValueError(f"name must be one of {', '.join(sorted(PUBLISHED))}, or give --list, got neither.")
    else:
        _prepare(config.name, config.data_dir)


def table(data_dir: Path | None) -> Table:
    """Every copy of every set: its name for --dataset, kind, size, origin and folder."""
    shown = Table("set", "kind", "size")
    for column in shown.columns:
        column.no_wrap, column.overflow = True, "fold"
    shown.add_column("from, and the folder", overflow="fold")
    for place in places(data_dir):
        cells = (place.name, place.kind, decimal(place.size), f"{place.origin}\n{place.folder}")
        shown.add_row(*map(escape, cells))
    return shown


def _print_list(data_dir: Path | None) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(table(data_dir))
    with contextlib.suppress(RuntimeError):  # a user without a home keeps nothing
        folder, size = kept_bytes()
        console.print(f"Decoded images that streams keep: {decimal(size)} in {folder}; remove it as you like.")
    if absent := missing(data_dir):
        console.print(f"Not here: {', '.join(absent)}; prepare one by python -m experiments.prepare NAME.")


def _prepare(name: str, data_dir: Path | None) -> None:
    try:
        print(f"{name}: {prepare(name, data_dir=data_dir)}")
    except KeyboardInterrupt:
        print("stopped; nothing half-written is left, and a download is gone on with next time", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run(main, Config)
