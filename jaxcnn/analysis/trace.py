"""One trace of a model on shapes alone, in which every equation says which layer's call it belongs to.

The layers' `__call__`s are wrapped while the trace runs: each opens a `jax.named_scope`, which JAX writes beside every
equation, and marks its outputs with `jax.ad_checkpoint.checkpoint_name`, an identity. The jaxpr then tells all, through
jit, scan, vmap and remat alike. The layers called are those of a private copy, each marked by its number: other models
of the same classes, in other threads too, pass through the wrapper untouched.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
from flax import nnx
from jax.ad_checkpoint import checkpoint_name

from jaxcnn.analysis.shapes import abstract

SCOPE = re.compile(r"jaxcnn\.layer:(\d+):(\d+)")
OUTPUT = re.compile(r"jaxcnn\.output:(\d+):(\d+)")
NUMBER = "_jaxcnn_layer_number"

# Classes are patched for the length of one trace; two at once would restore each other's patches.
PATCHING = threading.RLock()


@dataclass
class Trace:
    """A call's jaxpr, as far as the call went; where it failed, the error and the number of the layer it came from."""

    jaxpr: Any = None
    error: Exception | None = None
    failed: int | None = None
    calls: int = 0
    active: list[nnx.Module] = field(default_factory=list)


def callable_modules(model: nnx.Module) -> list[tuple[tuple[Any, ...], nnx.Module]]:
    """Paths and modules of what can be called, each shared module once, the model itself first."""
    found = [(tuple(path), module) for path, module in nnx.iter_modules(model)]
    kept = [(path, module) for path, module in found if not path or defines_call(type(module))]
    return sorted(kept, key=lambda item: item[0] != ())


def defines_call(cls: type) -> bool:
    """Whether instances of a class can be called; `callable(cls)` would answer for the class itself."""
    return any("__call__" in vars(base) for base in cls.__mro__)


def trace_function(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Trace:
    """Trace a plain function."""
    trace = Trace()
    trace.jaxpr = jax.make_jaxpr(lambda *inputs: attempt(trace, function, inputs))(*inputs)
    return trace


def trace_method(model: nnx.Module, method: Callable[..., Any], inputs: tuple[Any, ...]) -> Trace:
    """Trace `method(model, *inputs)` on a copy of the model whose state is shapes alone."""
    graphdef, state = nnx.split(model)
    trace = Trace()

    def call(state: Any, *inputs: Any) -> list[Any]:
        copy = nnx.merge(graphdef, state)
        modules = [module for _, module in callable_modules(copy)]
        for number, module in enumerate(modules):
            setattr(module, NUMBER, number)
        with scoped({type(module) for module in modules}, trace):
            return attempt(trace, method, (copy, *inputs))

    trace.jaxpr = jax.make_jaxpr(call)(jax.tree.map(abstract, state), *inputs)
    return trace


def attempt(trace: Trace, function: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Any]:
    """The arrays that a function returns; none if it raises, so that the equations up to there are kept."""
    try:
        return [leaf for leaf in jax.tree.leaves(function(*inputs)) if isinstance(leaf, jax.Array)]
    except Exception as error:
        trace.error = error
        return []


@contextmanager
def scoped(classes: Iterable[type], trace: Trace) -> Iterator[None]:
    """Wrap the calls of some classes, and leave the classes as they were."""
    with PATCHING, ExitStack() as restore:
        # All are read before any is replaced: a subclass would otherwise wrap its base's wrapper.
        for cls, call in [(cls, cls.__call__) for cls in classes if defines_call(cls)]:
            restore.callback(restored, cls, vars(cls).get("__call__"))
            cls.__call__ = wrapped(call, trace)
        yield


def restored(cls: type, own: Any) -> None:
    """Give a class its own `__call__` back, or none if it had inherited one."""
    if own is None:
        del cls.__call__
    else:
        cls.__call__ = own


def wrapped(call: Callable[..., Any], trace: Trace) -> Callable[..., Any]:
    """A `__call__` that scopes the calls of numbered modules; a `super().__call__` inside one is part of it."""
    # In a summary asked for within a trace, the layers are not those of the trace around it.
    call = getattr(call, "unscoped", call)

    def scoped_call(self: nnx.Module, *args: Any, **kwargs: Any) -> Any:
        number = getattr(self, NUMBER, None)
        if number is None or (trace.active and trace.active[-1] is self):
            return call(self, *args, **kwargs)
        trace.calls += 1
        with active(self, number, trace), jax.named_scope(f"jaxcnn.layer:{number}:{trace.calls}"):
            return marked(call(self, *args, **kwargs))

    vars(scoped_call)["unscoped"] = call
    return scoped_call


@contextmanager
def active(module: nnx.Module, number: int, trace: Trace) -> Iterator[None]:
    """Note the innermost layer that fails; a failure that a layer around it has handled is none."""
    trace.active.append(module)
    try:
        yield
        trace.failed = None
    except Exception:
        trace.failed = number if trace.failed is None else trace.failed
        raise
    finally:
        trace.active.pop()


def marked(outputs: Any) -> Any:
    """The same outputs, each array of them passed through an equation that says which one of how many it is."""
    leaves, treedef = jax.tree.flatten(outputs, is_leaf=is_node)
    total = sum(isinstance(leaf, jax.Array) for leaf in leaves)
    count = iter(range(total))
    named = [
        checkpoint_name(leaf, f"jaxcnn.output:{next(count)}:{total}") if isinstance(leaf, jax.Array) else leaf
        for leaf in leaves
    ]
    return jax.tree.unflatten(treedef, named)


def is_node(value: Any) -> bool:
    """What must keep its identity: rebuilding a pytree would copy it."""
    return isinstance(value, (nnx.Module, nnx.Variable))
