"""Convolutions and matrix products by oneDNN, which jaxlib ships, and which PyTorch and TensorFlow run on.

XLA's CPU backend hands custom calls of these names to the oneDNN that is linked into it, though no pass of its own
writes them. No document promises that, so it is used with care: only where asked for (`in_force`); only with versions
of jaxlib that the tests have run on, since one that reads a call's settings otherwise would end the process; and never
in a program that is serialized (`jax.export`, the persistent compilation cache), which XLA can't do with such calls.
The environment variable JAXCNN_ONEDNN=0 turns it off.
"""

import contextlib
import contextvars
import functools
import json
import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jaxlib.version import __version__ as jaxlib_version

TESTED = ("0.10.0", "0.10.1", "0.10.2", "0.11.0", "0.11.1", "0.11.2")

PREFIX = "__onednn$"

_wanted: contextvars.ContextVar[bool] = contextvars.ContextVar("onednn", default=False)


@functools.cache
def is_available() -> bool:
    """Whether this machine's jaxlib is known to have it."""
    here = sys.platform == "linux" and platform.machine() == "x86_64"
    return here and jaxlib_version in TESTED and os.environ.get("JAXCNN_ONEDNN", "1") != "0"


def is_in_force() -> bool:
    """Whether what is lowered now uses it."""
    return _wanted.get() and is_available()


@contextlib.contextmanager
def in_force(wanted: bool = True) -> Iterator[None]:
    """Whether what is lowered inside uses it."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def is_called_in(program: str) -> bool:
    """Whether the text of a lowered program has a call of it."""
    return f"@{PREFIX}" in program


def suits(x: Any, kernel: Any, out_shape: Any, *, lhs_dilation: Any, padding: Any, **_: Any) -> bool:
    """Whether it takes this canonical convolution."""
    sizes = (*x.shape, *kernel.shape, *out_shape)
    return (
        x.dtype == np.float32
        and 3 <= x.ndim <= 5
        and all(isinstance(n, int) and n > 0 for n in sizes)
        and set(lhs_dilation) == {1}
        and all(n >= 0 for pair in padding for n in pair)
    )


def convolution(
    x: Any,
    kernel: Any,
    *,
    out_shape: Any,
    window_strides: Any,
    padding: Any,
    rhs_dilation: Any,
    groups: int,
    inputs_first: bool = False,
) -> Any:
    """x (batch, *spatial, in) with kernel (*window, in // groups, out): (batch, *out_shape, out).

    With `inputs_first` the kernel is (in // groups, *window, out).
    """
    rank = x.ndim
    first, inputs = (1, 0) if inputs_first else (0, rank - 2)
    image = {"data": {"batch_dim": 0, "feature_dim": rank - 1, "spatial_dims": _all(range(1, rank - 1))}}
    reach = range(first, first + rank - 2)
    window = {"input_feature_dim": inputs, "output_feature_dim": rank - 1, "spatial_dims": _all(reach)}
    config = {
        "dims": rank,
        "input": image,
        "kernel": {"filter": window},
        "output": image,
        "window": {
            "size": _all(kernel.shape[axis] for axis in reach),
            "strides": _all(window_strides),
            "pad_left": _all(low for low, _ in padding),
            "pad_right": _all(high for _, high in padding),
            "window_dilations": _all(rhs_dilation),
        },
        "feature_groups": groups,
    }
    shape = (x.shape[0], *out_shape, kernel.shape[-1])
    return _call("convolution", shape, {"onednn_conv_config": config}, x, kernel)


def matmul(a: Any, b: Any, *, transpose_a: bool = False) -> Any:
    """The matrix product of `a`, or its transpose, and `b`."""
    if 0 in (*a.shape, *b.shape):
        return (a.T if transpose_a else a) @ b  # oneDNN would leave the result as it finds it
    shape = (a.shape[1] if transpose_a else a.shape[0], b.shape[1])
    return _call("matmul", shape, {"onednn_matmul_config": {"transpose_a": transpose_a}}, a, b)


def _all(numbers: Any) -> list[int]:
    return [int(n) for n in numbers]


def _call(target: str, shape: tuple[int, ...], config: dict[str, Any], *operands: Any) -> Any:
    settings = json.dumps({"outer_dimension_partitions": []} | config)
    result = jax.ShapeDtypeStruct(shape, np.float32)
    return jax.ffi.ffi_call(PREFIX + target, result, custom_call_api_version=2, legacy_backend_config=settings)(
        *operands
    )
