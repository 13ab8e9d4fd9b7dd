"""The forms of a convolution on the CPU.

XLA's CPU backend is fast for the canonical layout alone (N…C inputs, …IO kernels): other layouts fall to a naive loop
inside `lax.scan` and `lax.while_loop` (jax issue 12868), and so would every kernel gradient that autodiff writes.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# A window with more taps (a whole image, say) is left to XLA: patches would unroll a slice a tap.
MOST_TAPS = 128
# Patches of one slice of the batch; twice this no longer stays in a laptop core's second-level cache.
PATCH_BYTES = 2**21
# Input and output of one slice of the batch, likewise.
MAP_BYTES = 2**21


def cpu_form(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    """`lax_form(lhs, rhs, **params)` in the form that XLA's CPU backend runs fast; half types accumulate in float32."""
    if _is_half(lhs.dtype):
        return _in_float32(lax_form, lhs, rhs, **params)
    if params["batch_group_count"] > 1:
        return lax_form(lhs, rhs, **params)
    if is_kernel_gradient(**params) and math.prod(kernel_window(lhs, rhs, **params)) <= MOST_TAPS:
        return kernel_gradient(lhs, rhs, **params)
    return canonical(lax_form, lhs, rhs, **params)


def _is_half(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32


def _in_float32(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    dtype = params["preferred_element_type"] or lhs.dtype
    wide = params | {"preferred_element_type": np.dtype(np.float32)}
    return cpu_form(lax_form, lhs.astype(np.float32), rhs.astype(np.float32), **wide).astype(dtype)


def canonical(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    """The same convolution on transposed operands, with N…C, …IO and N…C dimension numbers."""
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    spatial = tuple(range(1, lhs.ndim - 1))
    feature = lhs.ndim - 1
    image, kernel = (0, feature, *spatial), (feature, feature - 1, *range(lhs.ndim - 2))
    numbers = lax.ConvDimensionNumbers(image, kernel, image)
    lhs = jnp.transpose(lhs, (lhs_spec[0], *lhs_spec[2:], lhs_spec[1]))
    rhs = jnp.transpose(rhs, (*rhs_spec[2:], rhs_spec[1], rhs_spec[0]))
    out = in_slices(functools.partial(lax_form, **(params | {"dimension_numbers": numbers})), lhs, rhs)
    order = (out_spec[0], *out_spec[2:], out_spec[1])
    return jnp.transpose(out, tuple(int(i) for i in np.argsort(order)))


def in_slices(form: Callable[..., Any], lhs: Any, rhs: Any) -> Any:
    """`form(lhs, rhs)`, a slice of the batch at a time where the maps of the whole batch leave the cache."""
    whole = jax.eval_shape(form, lhs, rhs)
    batch, map_bytes = lhs.shape[0], sum(math.prod(a.shape[1:]) * a.dtype.itemsize for a in (lhs, whole))
    images = _slice(batch, map_bytes, MAP_BYTES)
    if images == batch:
        return form(lhs, rhs)
    parts, rest = _cut(lhs, images)
    out = lax.map(lambda part: form(part, rhs), parts)
    out = out.reshape(-1, *whole.shape[1:])
    return jnp.concatenate([out, form(rest, rhs)]) if len(rest) else out


def is_kernel_gradient(
    *, dimension_numbers: Any, feature_group_count: int, preferred_element_type: Any, **_: Any
) -> bool:
    """Whether autodiff wrote this as the gradient of a canonical, ungrouped convolution to its kernel."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    feature = len(lhs_spec) - 1
    exchanged = (feature, 0, *range(1, feature))
    return (
        (lhs_spec, rhs_spec) == (exchanged, exchanged)
        and out_spec == (feature - 1, feature, *range(feature - 1))
        and preferred_element_type in (None, np.float32)
        and feature_group_count == 1
    )


def kernel_window(
    x: Any, g: Any, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any, **_: Any
) -> tuple[int, ...]:
    """The window whose gradient a kernel-gradient convolution of `x` with `g` computes; its strides space the taps."""
    padded = [(n - 1) * d + 1 + sum(pair) for n, d, pair in zip(x.shape[1:-1], lhs_dilation, padding, strict=True)]
    spans = [s * (cells - 1) + 1 for s, cells in zip(rhs_dilation, g.shape[1:-1], strict=True)]
    return tuple((n - span) // d + 1 for n, span, d in zip(padded, spans, window_strides, strict=True))


def kernel_gradient(x: Any, g: Any, **params: Any) -> Any:
    """Patches of a slice of the batch times the slice's cotangent, one matrix product each, summed over slices."""
    batch, channels, features = x.shape[0], x.shape[-1], g.shape[-1]
    window, rhs_dilation, spacing = kernel_window(x, g, **params), params["rhs_dilation"], params["window_strides"]
    holes = [(low, high, d - 1) for (low, high), d in zip(params["padding"], params["lhs_dilation"], strict=True)]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *holes, (0, 0, 0)])
    spans = [s * (n - 1) + 1 for s, n in zip(rhs_dilation, g.shape[1:-1], strict=True)]
    taps, cells = math.prod(window), math.prod(g.shape[1:-1])

    def product(x: Any, g: Any) -> Any:
        starts = [tuple(i * d for i, d in zip(at, spacing, strict=True)) for at in np.ndindex(*window)]
        patches = jnp.concatenate([_tap(x, start, spans, rhs_dilation) for start in starts], axis=-1)
        return patches.reshape(-1, taps * channels).T @ g.reshape(-1, features)

    images = _slice(batch, x.dtype.itemsize * cells * taps * channels, PATCH_BYTES)
    if images == batch:
        return product(x, g).reshape(*window, channels, features)
    (xs, last_x), (gs, last_g) = _cut(x, images), _cut(g, images)
    total = product(last_x, last_g)
    total = lax.scan(lambda total, part: (total + product(*part), None), total, (xs, gs))[0]
    return total.reshape(*window, channels, features)


def _tap(x: Any, at: tuple[int, ...], spans: list[int], strides: Any) -> Any:
    stop = (x.shape[0], *(i + span for i, span in zip(at, spans, strict=True)), x.shape[-1])
    return lax.slice(x, (0, *at, 0), stop, (1, *strides, 1))


def _slice(batch: Any, image_bytes: Any, most_bytes: int) -> Any:
    """How many images a slice holds: as many as fit in `most_bytes`, evened out over the batch."""
    if not (isinstance(batch, int) and isinstance(image_bytes, int)):
        return batch  # jax.export's symbolic sizes can't be counted
    fitting = max(1, most_bytes // max(image_bytes, 1))
    return -(-batch // -(-batch // fitting)) if batch else 0


def _cut(array: Any, images: int) -> tuple[Any, Any]:
    """(slices, images, …), and what is left over of the batch, perhaps nothing."""
    whole = len(array) // images * images
    return array[:whole].reshape(-1, images, *array.shape[1:]), array[whole:]
