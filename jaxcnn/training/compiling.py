"""How the programs of training and evaluation are compiled: on oneDNN where jaxlib is known to have it."""

import contextlib
import ctypes
import math
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax

from jaxcnn.lowering import onednn

_LEAST_SECONDS = "jax_persistent_cache_min_compile_time_secs"


class Uncached:
    """A context in which nothing is written to JAX's persistent compilation cache, however many threads are in it.

    XLA can't serialize programs that call oneDNN. JAX offers no switch for one program, but writes only what took a
    least time to compile, a setting of the whole process.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._least = threading.Lock(), 0, 0.0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._least = getattr(jax.config, _LEAST_SECONDS)
                jax.config.update(_LEAST_SECONDS, math.inf)
            self._inside += 1

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                jax.config.update(_LEAST_SECONDS, self._least)


_uncached = Uncached()


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """What is lowered and compiled inside has its convolutions run by oneDNN, where that is available."""
    if not onednn.is_available():
        yield
        return
    with _uncached(), onednn.in_force():
        yield


class Program:
    """A program that compiles behind others, in the order of their starts; a call starts it and waits for it.

    Made from the shapes of its arguments, so that these may be given away before it starts.
    """

    def __init__(self, worker: ThreadPoolExecutor, jitted: Any, *args: Any, **options: Any):
        self._worker, self._jitted = worker, jitted
        self._args, self._options = jax.tree.map(_shape_of, args), options
        self._lock, self._compiled = threading.Lock(), None

    def start(self) -> Future[Any]:
        """Trace and lower it, the first time, and leave its compilation to the worker.

        Lowered in the caller's thread: settings such as `jax.enable_x64(True)` hold for the thread that makes them.
        """
        with self._lock:
            if self._compiled is None:
                with onednn.in_force():
                    lowered = self._jitted.lower(*self._args, **self._options)
                self._compiled = self._worker.submit(_compile, lowered)
            return self._compiled

    def wait(self) -> None:
        """Return when it is compiled, or raise what stopped it."""
        self.start().result()

    def as_text(self) -> str:
        """What XLA has made of it."""
        return self.start().result().as_text()

    def __call__(self, *args: Any) -> Any:
        return self.start().result()(*args)


def _shape_of(leaf: Any) -> Any:
    if not isinstance(leaf, jax.Array):
        return leaf
    sharding = leaf.sharding if leaf.committed else None
    weak = jax.typeof(leaf).weak_type
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding, weak_type=weak)


def _compile(lowered: Any) -> Any:
    with _uncached() if onednn.is_called_in(lowered.as_text()) else contextlib.nullcontext():
        compiled = lowered.compile()
    _give_back()
    return compiled


def _give_back() -> None:
    """What the compiler took and freed goes back to the system, where the C library (glibc) would keep it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
