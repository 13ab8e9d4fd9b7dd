"""What a run of `experiments.train` leaves in its folder, and what a later one makes of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS, CHECKPOINTS, PARAMS, RESULT = "metrics.jsonl", "checkpoints", "params.safetensors", "result.json"
_FREE = ("resume", "out", "data_dir", "save_every", "keep")  # options that change nothing about a finished run


def finished(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of a run with these options, where the folder holds it whole."""
    if not ((folder / PARAMS).is_file() and (folder / RESULT).is_file()):
        return None
    result = json.loads((folder / RESULT).read_text("utf-8"))
    same = {name: str(value) if isinstance(value, Path) else value for name, value in asked.items()}
    done = all(value == result["config"].get(name, value) for name, value in same.items() if name not in _FREE)
    return result["rows"][0] if done and result["complete"] else None


def refuse_other_run(folder: Path, *, going_on: bool) -> None:
    """A run in the folder is neither written over nor mixed with another.

    Raises:
      ValueError: says what is there, and the way out.
    """
    there = [name for name in (METRICS, PARAMS, RESULT) if _has_content(folder / name)]
    saved = any((folder / CHECKPOINTS).glob("step_*"))
    if not going_on and (there or saved):
        found = ", ".join([*there, *[CHECKPOINTS] * saved])
        raise ValueError(f"--out {folder} holds a run already ({found}); go on with --resume, or name another folder")
    if (folder / RESULT).exists() and not saved:
        raise ValueError(f"--out {folder} holds another result and no checkpoints to go on from; name another folder")


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
