"""The folder that a run has to itself while it lasts."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxcnn.locking import exclusive
from jaxcnn.training.checkpoints.folder import clean


@contextmanager
def open_run_folder(folder: Path) -> Iterator[None]:
    """Make the folder, hold its lock, and delete what killed processes have left half done.

    Raises:
      ValueError: another run holds it, or it can't be made or written to.
    """

    def refuse() -> None:
        raise ValueError(f"another run uses the folder {folder}; wait for its end, stop it, or name another folder")

    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        lock = exclusive(folder / ".lock", waiting=refuse)
    except OSError as error:
        raise ValueError(f"folder must be one that can be written to, got {folder}: {error.strerror}") from error
    with lock:
        clean(folder)
        yield
