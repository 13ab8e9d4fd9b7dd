"""Where jaxcnn keeps, for one user, what can be made again: prepared sets, compiled programs."""

import os
import sys
from pathlib import Path


def user_cache(part: str) -> Path:
    """This user's folder for `part`: under XDG_CACHE_HOME, or what the platform uses for caches; it may not exist yet.

    Raises:
        RuntimeError: where the user has no home folder.

    Source: XDG base directory specification, which has relative paths ignored.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        base = named
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return base / "jaxcnn" / part
