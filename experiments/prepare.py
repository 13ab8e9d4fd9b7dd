"""Prepare a full data set once, from a download or local files; `--list` shows what is there.

python -m experiments.prepare mnist                    downloads it into your cache folder
python -m experiments.prepare mnist --data-dir FOLDER  takes FOLDER/mnist/*-ubyte.gz instead
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from experiments.harness.command import run
from jaxcnn.data.places import places
from jaxcnn.data.prepare import prepare
from jaxcnn.data.published import PUBLISHED


@dataclass(frozen=True)
class Config:
    """Which set, and from where."""

    name: Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(help=f"One of {', '.join(sorted(PUBLISHED))}.")] = (
        None
    )
    data_dir: Annotated[
        Path | None, tyro.conf.arg(help="Folder that holds NAME/*-ubyte.gz; without it they are downloaded.")
    ] = None
    list: Annotated[bool, tyro.conf.arg(help="Show what is on this machine, and prepare nothing.")] = False


def main(config: Config) -> None:
    """Prepare the set, or print the table.

    Raises:
      ValueError, OSError: as `jaxcnn.data.prepare.prepare`; where neither a name nor --list is given.
    """
    if config.list:
        Console().print(table(config.data_dir))
    elif config.name is None:
        raise ValueError(f"name must be one of {', '.join(sorted(PUBLISHED))}, or give --list, got neither.")
    else:
        print(f"{config.name}: {prepare(config.name, data_dir=config.data_dir)}")


def table(data_dir: Path | None) -> Table:
    """Every copy of every set: its name for --dataset, kind, origin, size and folder."""
    shown = Table("set", "kind")
    for heading in ("from", "size", "folder"):
        shown.add_column(heading, overflow="fold")
    for place in places(data_dir):
        cells = (place.name, place.kind, place.origin, decimal(place.size), str(place.folder))
        shown.add_row(*map(escape, cells))
    return shown


if __name__ == "__main__":
    run(main, Config)
