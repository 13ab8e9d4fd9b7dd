"""How a program that runs a few times only is compiled: soon and in little memory, rather than to be fast."""

import functools
from types import MappingProxyType

import jax

_SOON = MappingProxyType({"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False})


@functools.cache
def for_few_runs() -> dict[str, int | bool]:
    """`compiler_options` for `jax.jit`: none where the backend is no CPU, or its compiler doesn't know them.

    A model's initial values come about in a fraction of the time, with less memory, and are the same.
    """
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=dict(_SOON)).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return dict(_SOON)
