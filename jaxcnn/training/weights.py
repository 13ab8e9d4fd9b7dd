"""Weights of finished models: one .safetensors file, whole under its checksum or refused."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from jaxcnn.files import write_atomically
from jaxcnn.training import checks, weights_file
from jaxcnn.training.variables import check_values

Model = TypeVar("Model", bound=nnx.Module)


class _Leaf(NamedTuple):
    path: tuple[Any, ...]
    value: Any


def save(model: nnx.Module, path: str | os.PathLike[str], *, metadata: Mapping[str, str] | None = None) -> Path:
    """Writes the model's weights to one `.safetensors` file, which PyTorch's and Flax's users read too.

    Parameters, BatchNorm statistics and every other variable are saved under their paths joined by dots, such as
    `conv1.kernel`, in their own dtypes, to the bit. Random keys and their counts are not: they belong to a run, whose
    checkpoints hold them, and not to what it has learnt. Written under another name first and then renamed, so that
    a full disk or an interrupt leaves an earlier file as it was. The same weights give the same bytes.

    Args:
      model: an NNX module.
      path: the file to write; its folder exists.
      metadata: what else to note, text by text, such as the model's name and options for building it again;
        `read_metadata` returns it. Keys that begin with `jaxcnn.` are ours: format, version and the SHA-256.

    Returns:
      `path` as a `Path`.

    Raises:
      TypeError: the model is no NNX module, holds something other than arrays, or the metadata is not text.
      ValueError: a model without values, a dtype that the format lacks, two variables of one name, or a key of ours in
        the metadata.
      OSError: the file can't be written; an earlier one is unchanged.
    """
    checks.check_model(model)
    check_values(nnx.state(model))
    noted = _check_metadata(metadata or {})
    arrays = {name: _as_array(name, leaf.value) for name, leaf in _named_leaves(model).items()}
    return write_atomically(path, weights_file.encode(arrays, noted))


def load(model: Model, path: str | os.PathLike[str]) -> Model:
    """Fills a model with the weights of a `.safetensors` file, in place.

    Files that `save` has written are checked against their SHA-256; files of other programs are read where their
    arrays have the model's names, shapes and dtypes. Nothing is ever unpickled. The model's random keys and counts
    stay as they are, and so does all of it after any error.

    Args:
      model: an NNX module of the same structure and options; one without values, by `nnx.eval_shape`, will do.
      path: the file.

    Returns:
      The same model.

    Raises:
      TypeError: the model is no NNX module.
      ValueError: the file is damaged, of another kind or of a newer format, or doesn't fit the model: the message
        lists every variable that differs.
      OSError: there is no such file (FileNotFoundError), it is a folder, or it can't be read.
    """
    checks.check_model(model)
    file = Path(path)
    arrays, _ = weights_file.decode(file, _read(file))
    leaves = _named_leaves(model)
    _check_fit(file, model, leaves, arrays)
    values = {leaf.path: _in_place_of(name, leaf.value, arrays[name]) for name, leaf in leaves.items()}
    nnx.update(model, nnx.from_flat_state(values))
    return model


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """What a `.safetensors` file notes about itself: `save`'s metadata, and our keys, which begin with `jaxcnn.`.

    Args:
      path: the file.

    Returns:
      Text by text; empty for files that note nothing.

    Raises:
      ValueError: the file is damaged, of another kind or of a newer format.
      OSError: there is no such file, it is a folder, or it can't be read.
    """
    file = Path(path)
    return weights_file.decode(file, _read(file))[1]


def _read(file: Path) -> bytes:
    if file.is_dir():
        raise IsADirectoryError(f"path must be a .safetensors file, got the folder {file}; name a file in it")
    if not file.exists():
        raise FileNotFoundError(f"path must be a .safetensors file, got {file}, which does not exist; check its name")
    if not file.is_file():
        raise ValueError(f"path must be a .safetensors file, got {file}, which is no ordinary file")
    return file.read_bytes()


def _check_metadata(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, Mapping) or not all(
        isinstance(text, str) for item in metadata.items() for text in item
    ):
        raise TypeError(f"metadata must be a mapping of str to str, got {metadata!r}; write numbers as text")
    ours = [key for key in metadata if key.startswith(weights_file.PREFIX)]
    if ours:
        raise ValueError(f"metadata must leave keys that begin with {weights_file.PREFIX} to jaxcnn, got {ours[0]!r}")
    return dict(metadata)


def _named_leaves(model: nnx.Module) -> dict[str, _Leaf]:
    """Every variable but random keys and counts, by its path joined with dots."""
    leaves: dict[str, _Leaf] = {}
    for path, variable in nnx.to_flat_state(nnx.state(model, nnx.Not(nnx.RngState))):
        value = variable.get_value() if isinstance(variable, nnx.Variable) else variable
        if _is_key(value):
            continue
        name = ".".join(map(str, path))
        if name in leaves:
            raise ValueError(f"the model must have one variable of each name, got two of the name {name}; rename one")
        leaves[name] = _Leaf(path, value)
    return leaves


def _is_key(value: Any) -> bool:
    return jnp.issubdtype(getattr(value, "dtype", np.float32), jax.dtypes.prng_key)


def _as_array(name: str, value: Any) -> NDArray:
    # Python numbers take the dtype that they compute in; the library wants contiguous bytes.
    array = np.asarray(value if hasattr(value, "dtype") else jnp.asarray(value), order="C")
    if array.dtype not in weights_file.DTYPES:
        raise ValueError(
            f"the variable {name} must be an array of a dtype that .safetensors files hold, such as float32 or"
            f" bfloat16, got {getattr(value, 'dtype', type(value).__name__)}; convert or remove it"
        )
    return array


def _check_fit(file: Path, model: nnx.Module, leaves: Mapping[str, _Leaf], arrays: Mapping[str, NDArray]) -> None:
    wanted = {name: _description(leaf.value) for name, leaf in leaves.items()}
    found = {name: _description(array) for name, array in arrays.items()}
    differing = [
        f"{name} is {found.get(name, 'absent')} in the file and {wanted.get(name, 'absent')} in the model"
        for name in sorted(wanted.keys() | found.keys())
        if wanted.get(name) != found.get(name)
    ]
    if differing:
        raise ValueError(
            f"{file} must hold the variables of the model {type(model).__name__}, but {len(differing)} differ:"
            f" {'; '.join(differing)}; build the model with the options that it was saved with"
        )


def _description(value: Any) -> str:
    described = value if hasattr(value, "dtype") else jnp.asarray(value)
    return f"{described.dtype}{tuple(described.shape)}"


def _in_place_of(name: str, value: Any, array: NDArray) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return array.copy()
    pinned = isinstance(value, jax.Array) and value.committed
    placed = jax.device_put(array, value.sharding if pinned else None)
    if placed.dtype != array.dtype:
        raise ValueError(f"{name} must be {array.dtype}, which JAX holds under jax_enable_x64 alone; enable it")
    return placed
