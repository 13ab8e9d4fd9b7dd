"""Compiled programs kept from one run to the next, by JAX's own persistent cache in the user's cache folder."""

import os
import sys
import tempfile
from pathlib import Path

import jax

from jaxcnn.data.cache import user_cache

FOLDER = "jax_compilation_cache_dir"
LIMIT = 2**29  # bytes; the programs of one lecture model take less than a megabyte


def keep_programs() -> None:
    """Turn on JAX's persistent compilation cache for this process, so that a second run compiles nothing anew.

    Experiments alone do this: a library must leave the process's settings to its user. A folder that is set
    already, as by the environment variable JAX_COMPILATION_CACHE_DIR, wins. A folder that can't be written to is
    said once on stderr, and the run goes on without.
    """
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if getattr(jax.config, FOLDER) is not None:
        return
    try:
        folder = cache_folder()
        _open(folder)
    except (OSError, RuntimeError) as error:
        print(f"Compiled programs are not kept for the next run: {error}", file=sys.stderr)
        return
    discard_oldest(folder, LIMIT)
    jax.config.update(FOLDER, str(folder))


def cache_folder() -> Path:
    """Where this user's compiled programs lie: XDG_CACHE_HOME, or what the platform uses for caches.

    Raises:
      RuntimeError: where the user has no home folder.
    """
    return user_cache("programs")


def discard_oldest(folder: Path, limit: int) -> None:
    """Delete the programs used longest ago, until the rest take `limit` bytes at most.

    JAX's own limit (`jax_compilation_cache_max_size`) needs one more package, and stops caching for good where a
    killed process left an entry without its time stamp.
    """
    entries = [(path, path.stat()) for path in folder.glob("*-cache")]
    kept = 0
    for path, status in sorted(entries, key=lambda entry: -max(entry[1].st_atime, entry[1].st_mtime)):
        kept += status.st_size
        if kept > limit:
            path.unlink(missing_ok=True)


def _open(folder: Path) -> None:
    """Make it, for this user alone, since programs in it are run unseen; and try it by writing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()
