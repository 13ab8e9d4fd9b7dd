"""The folder of a run's checkpoints: their names, and how they come and go, each by one rename."""

import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STEP = re.compile(r"step_([0-9]{8,18})")
_PASSING = re.compile(r"\.(?:saving|discarded)-step_[0-9]{8,18}-[0-9a-f]{16}")


def name_of(step: int) -> str:
    """The folder of the checkpoint after `step` steps."""
    return f"step_{step:08}"


def steps_in(folder: Path) -> list[int]:
    """The steps that have an entry of their name, whole or not, the newest first; other entries are left alone."""
    matches = (_STEP.fullmatch(entry.name) for entry in folder.iterdir())
    steps = (int(match[1]) for match in matches if match)
    return sorted({step for step in steps if os.path.lexists(folder / name_of(step))}, reverse=True)


@contextmanager
def new_checkpoint(folder: Path, step: int) -> Iterator[Path]:
    """A folder to fill, which takes its name only when the body is done; after an error nothing of it is left.

    A damaged checkpoint of the same step makes way for it.
    """
    passing = _passing(folder, "saving", step)
    passing.mkdir()
    try:
        yield passing
        if os.path.lexists(folder / name_of(step)):
            discard(folder, step)
        passing.rename(folder / name_of(step))
        flush(folder)
    except BaseException:
        remove(passing)
        raise


def discard(folder: Path, step: int) -> None:
    """Take the name from a checkpoint, then delete it: one that is half deleted is never taken for whole."""
    away = _passing(folder, "discarded", step)
    (folder / name_of(step)).rename(away)
    flush(folder)
    remove(away)


def set_aside(folder: Path, step: int) -> Path:
    """Give a damaged checkpoint a name under which it is never looked for, so that it can be examined."""
    aside = folder / f"damaged-{name_of(step)}-{secrets.token_hex(4)}"
    (folder / name_of(step)).rename(aside)
    flush(folder)
    return aside


def clean(folder: Path) -> None:
    """Delete what a killed process was about to save or delete; only under the folder's lock."""
    for entry in list(folder.iterdir()):
        if _PASSING.fullmatch(entry.name):
            remove(entry)


def flush(path: Path) -> None:
    """A file's bytes, or a folder's names, are on the disk and not only in its cache."""
    if path.is_dir() and sys.platform == "win32":  # which has no such thing for folders
        return
    descriptor = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """A folder with what is in it, or a file or a link; what can't be deleted now stays for the next start."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _passing(folder: Path, state: str, step: int) -> Path:
    return folder / f".{state}-{name_of(step)}-{secrets.token_hex(8)}"
