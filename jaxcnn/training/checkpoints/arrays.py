"""The arrays of a run in a folder of their own, written and read by orbax.

Each array goes by its number: a name of a variable never becomes part of a path.
"""

import contextlib
import errno
import logging
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from jaxcnn.training.checkpoints.manifest import DamagedError


def to_host(tree: Any) -> list[NDArray]:
    """The leaves in NumPy, random keys as their data; waits for the device."""
    return [np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf) for leaf in jax.tree.leaves(tree)]


def to_tree(template: Any, arrays: Sequence[NDArray]) -> Any:
    """The inverse of `to_host`; `template` has the structure, and says which leaves are keys."""
    leaves, structure = jax.tree.flatten(template)
    pairs = zip(leaves, arrays, strict=True)
    return jax.tree.unflatten(structure, [_wrap(leaf, array) if _is_key(leaf) else array for leaf, array in pairs])


def write_arrays(folder: Path, arrays: Sequence[NDArray]) -> None:
    """Write the arrays to `folder`, which doesn't exist yet.

    Raises:
      OSError: they can't be written, as on a full disk.
    """
    import orbax.checkpoint as ocp  # half a second, which training without checkpoints need not pay

    # Orbax refuses arrays without elements; their shapes say all about them.
    items = {_name(index): array for index, array in enumerate(arrays) if array.size}
    try:
        with _quiet(), ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as writer:
            writer.save(folder, args=ocp.args.PyTreeSave(items))
    except (ValueError, RuntimeError) as error:  # which tensorstore makes of the system's errors
        code = re.search(r"os_error_code='(\d+)'", str(error))
        number = int(code[1]) if code else errno.EIO
        raise OSError(number, os.strerror(number) if code else str(error)) from error


def read_arrays(folder: Path, template: Any) -> list[NDArray]:
    """The arrays of `folder`, once their shapes and dtypes are found to be those of the template's leaves.

    Raises:
      DamagedError: they are not, or orbax can't read them.
    """
    import orbax.checkpoint as ocp

    wanted = [
        jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(template)
    ]
    stored = {_name(index): leaf for index, leaf in enumerate(wanted) if math.prod(leaf.shape)}
    try:
        with _quiet(), ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:
            _check_declared(stored, reader.metadata(folder).item_metadata.tree)
            as_numpy = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in stored}
            found = reader.restore(folder, args=ocp.args.PyTreeRestore(restore_args=as_numpy))
    except (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise DamagedError(f"its arrays can't be read: {' '.join(str(error).split())[:200]}") from error
    return [found.get(_name(index), np.zeros(leaf.shape, leaf.dtype)) for index, leaf in enumerate(wanted)]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Orbax's threads log the traces of errors that it raises as well."""
    logger = logging.getLogger("absl")
    logger.addFilter(_is_critical)
    try:
        yield
    finally:
        logger.removeFilter(_is_critical)


def _is_critical(record: logging.LogRecord) -> bool:
    return record.levelno > logging.ERROR


def _check_declared(wanted: dict[str, jax.ShapeDtypeStruct], declared: Any) -> None:
    """Before anything is read: a small file may declare a huge array, or a huge block in a small one."""
    if not isinstance(declared, dict) or declared.keys() != wanted.keys():
        raise ValueError("they are not those that the manifest lists")
    for name, leaf in wanted.items():
        found = declared[name]
        blocks = getattr(getattr(found, "storage", None), "chunk_shape", None) or ()
        too_large = any(block > max(size, 1) for block, size in zip(blocks, leaf.shape, strict=bool(blocks)))
        if tuple(found.shape) != leaf.shape or jnp.dtype(found.dtype) != leaf.dtype or too_large:
            raise ValueError(f"array {name} is declared {found.dtype}{tuple(found.shape)}")


def _name(index: int) -> str:
    return f"{index:06}"


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _wrap(leaf: Any, data: NDArray) -> Any:
    implementation: list[Any] = []
    jax.eval_shape(lambda key: implementation.append(jax.random.key_impl(key)), leaf)  # a shape alone can't be asked
    return jax.random.wrap_key_data(jnp.asarray(data), impl=implementation[0])
