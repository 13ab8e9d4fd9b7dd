"""What a run leaves behind: a folder checked before any work, and files that are whole or absent."""

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from experiments.harness.options import RunOptions
from jaxcnn.visualization import Picture, encode_png, write_atomically


def open_folder(folder: Path) -> Path:
    """`folder`, made if need be and tried by writing.

    Raises:
      ValueError: where it can't be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"--out must be a folder that can be written to; got {folder}: {error.strerror}") from error
    return folder


def write_result(
    folder: Path,
    experiment: str,
    options: RunOptions,
    environment: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    complete: bool,
) -> None:
    """`result.json`: what ran, where, and a row a run; `complete` says whether runs are still to come."""
    config = {name: str(v) if isinstance(v, Path) else v for name, v in dataclasses.asdict(options).items()}
    result = {
        "experiment": experiment,
        "complete": complete,
        "config": config,
        "environment": environment,
        "rows": rows,
    }
    write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_picture(folder: Path, name: str, figure: Figure, alt: str, caption: str = "") -> Picture:
    """The figure as `name`.png in the folder, and as a picture for the report."""
    png = encode_png(figure)
    write_atomically(folder / f"{name}.png", png)
    return Picture(png, alt, caption)
