"""Layers that hold functions, such as activations, and are pickled with the functions' names in their place."""

import functools
import importlib
import sys
from typing import Any, NamedTuple

from flax import nnx

# Where a function is looked for first: public names are those that other versions of JAX have too.
PUBLIC = ("flax.nnx", "jax.nn", "jax.numpy")


class Activated(nnx.Module):
    """A module whose attributes may be functions that pickle takes by name alone, and not by JAX's private one."""

    def __getstate__(self) -> dict[str, Any]:
        return {key: _named(value) for key, value in super().__getstate__().items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({key: _found(value) for key, value in state.items()})


class _Name(NamedTuple):
    module: str
    name: str


class _Partial(NamedTuple):
    function: Any
    args: tuple[Any, ...]
    keywords: dict[str, Any]


def _named(value: Any) -> Any:
    """The name of a function that a module has, also within a `functools.partial`; anything else as it is."""
    if isinstance(value, functools.partial):
        return _Partial(_named(value.func), value.args, value.keywords)
    name = getattr(value, "__name__", None) if callable(value) else None
    for module in (*PUBLIC, getattr(value, "__module__", None)):
        if name and module and getattr(sys.modules.get(module), name, None) is value:
            return _Name(module, name)
    return value


def _found(value: Any) -> Any:
    """What `_named` has named."""
    if isinstance(value, _Partial):
        return functools.partial(_found(value.function), *value.args, **value.keywords)
    return getattr(importlib.import_module(value.module), value.name) if isinstance(value, _Name) else value
