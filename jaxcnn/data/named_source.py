"""Sets by name for streams: what `load` would read whole, read as it goes."""

import os
from pathlib import Path

from jaxcnn.data import prepared
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.load import load, local_folder, prepared_folder
from jaxcnn.data.prepared_source import prepared_source
from jaxcnn.data.published import PUBLISHED
from jaxcnn.data.sources import Source, as_source


def named_source(name: str, *, split: str = "train", data_dir: str | os.PathLike[str] | None = None) -> Source:
    """A source for `stream`, from the place where `load` finds the set of that name.

    Folders and prepared sets are read as the stream goes. IDX files cannot be: they, and the shipped sample, are
    loaded whole.

    Args:
        name: as of `load`: a named set, `tfds:NAME` or `folder:PATH`.
        split: as of `load`.
        data_dir: as of `load`.

    Raises:
        ValueError, OSError: as `load`; images that are damaged are found when they are read.
    """
    kind, _, rest = name.partition(":")
    if kind == "folder" and rest:
        return folder_source(rest if data_dir is None else Path(os.path.expanduser(data_dir), rest), split=split)
    if kind == "tfds" and rest:
        return prepared_source(prepared.find(rest, data_dir), split)
    if _lies_prepared(name, data_dir) and (folder := prepared_folder(name)):
        return prepared_source(folder, split)
    return as_source(load(name, split=split, data_dir=data_dir))


def _lies_prepared(name: str, data_dir: str | os.PathLike[str] | None) -> bool:
    """Whether no place comes before the prepared sets; names that are none are left to `load` to refuse."""
    return name in PUBLISHED and data_dir is None and local_folder(name, debian=False) is None
