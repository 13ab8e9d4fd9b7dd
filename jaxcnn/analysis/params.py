"""How many numbers a model learns, and where they sit."""

import math
from typing import Any

import jax
from flax import nnx

Path = tuple[Any, ...]
NOT_PARAMETERS = (nnx.RngState, nnx.Cache, nnx.Intermediate)


def count_params(model: Any) -> int:
    """Number of trainable parameters: the elements of every `nnx.Param`, each shared one counted once.

    BatchNorm's moving statistics and the state of random streams are not trained and not counted.

    Args:
      model: an NNX module, with arrays or, made under `nnx.eval_shape`, with shapes only.

    Returns:
      The count as a Python integer, exact at any size.

    Raises:
      TypeError: `model` is not an NNX module.
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"model must be an nnx.Module, but is {type(model).__name__}; pass the model itself.")
    return sum(size(variable) for _, variable in parameters(model) if isinstance(variable, nnx.Param))


def parameters(model: nnx.Module) -> list[tuple[Path, nnx.Variable]]:
    """The variables Keras would count as parameters, trainable or not, each once, under its first path."""
    nodes = nnx.iter_graph(model)
    return [(tuple(path), node) for path, node in nodes if isinstance(node, nnx.Variable) and is_parameter(node)]


def is_parameter(variable: nnx.Variable) -> bool:
    """Whether a variable belongs to what the model has learnt, rather than to one run of it."""
    return not isinstance(variable, NOT_PARAMETERS)


def size(variable: nnx.Variable) -> int:
    """Number of elements a variable holds; its value may be one array, a shape or a pytree of them."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variable) if hasattr(leaf, "shape"))


def sizes_by_owner(model: nnx.Module, owners: list[Path]) -> dict[Path, int]:
    """Parameters each module holds itself, `owners` being the paths of the modules that can hold some."""
    held = dict.fromkeys(owners, 0)
    for path, variable in parameters(model):
        held[next(path[:n] for n in range(len(path), -1, -1) if path[:n] in held)] += size(variable)
    return held
