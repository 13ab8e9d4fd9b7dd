"""What a run leaves behind: a folder checked before any work, and files that are whole or absent."""

import dataclasses
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from jaxcnn.visualization import Note, Picture, Section, encode_png, report, write_atomically


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
    options: Any,
    environment: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    complete: bool,
    parts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> None:
    """`result.json`: what ran (a dataclass), where, and a row a run; `complete` says whether runs are still to come.

    `parts` are further lists of rows, which an experiment has beside those that all have, by name.

    JSON has no NaN and no infinity: such a number is written as null, and its row's "error" names it.
    """
    config = {name: str(v) if isinstance(v, Path) else v for name, v in dataclasses.asdict(options).items()}
    result = {
        "experiment": experiment,
        "complete": complete,
        "config": config,
        "environment": environment,
        "rows": [finite(row) for row in rows],
        **{name: [finite(row) for row in part] for name, part in (parts or {}).items()},
    }
    write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_report(
    folder: Path,
    title: str,
    sections: Sequence[Section],
    introduction: Sequence[str | Note],
    environment: Mapping[str, str],
) -> None:
    """`report.html`, and the line that tells where it is; the introduction is the set's source and the findings."""
    page = folder / "report.html"
    write_atomically(page, report(title, sections, introduction=introduction, environment=environment))
    print(f"Report: {page}")


def finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with null for every number that is none; what it said in "error" stays, and is added to."""
    lost = [
        f"{path} was {value}" for path, value in _leaves(row) if isinstance(value, float) and not math.isfinite(value)
    ]
    if not lost:
        return dict(row)
    told = [row["error"]] if row.get("error") else []
    return {**_without_nan(row), "error": "; ".join([*told, *lost])}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that holds no others, and where it is, such as history.val_loss[2]."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _leaves(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _leaves(entry, f"{path}[{index}]")
    else:
        yield path, value


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_picture(folder: Path, name: str, figure: Figure, alt: str, caption: str = "") -> Picture:
    """The figure as `name`.png in the folder, and as a picture for the report."""
    png = encode_png(figure)
    write_atomically(folder / f"{name}.png", png)
    return Picture(png, alt, caption)
