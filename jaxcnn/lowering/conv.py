"""The forms of a convolution on the CPU.

XLA's CPU backend is fast for the canonical layout alone (N…C inputs, …IO kernels): other layouts fall to a naive loop
inside `lax.scan` and `lax.while_loop` (jax issue 12868), and so would every kernel gradient that autodiff writes.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering import grouped, kernel_gradient, select


def cpu_form(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    """`lax_form(lhs, rhs, **params)` in the form that XLA's CPU backend runs fast; half types accumulate in float32."""
    if not params["window_strides"]:
        return lax_form(lhs, rhs, **params)
    lax_form = functools.partial(cut, lax_form)
    if _is_half(lhs.dtype):
        return _in_float32(lax_form, lhs, rhs, **params)
    if kernel_gradient.is_kernel_gradient(**params) and _is_plain(lhs, rhs, **params):
        window = kernel_gradient.kernel_window(lhs, rhs, **params)
        if kernel_gradient.slices(window, **params) <= select.MOST_TAPS:
            gradient = _kernel_gradient(lhs, rhs, window, **params)
            in_axis, out_axis = params["dimension_numbers"].out_spec[:2]
            return gradient if in_axis < out_axis else gradient.swapaxes(-1, -2)
    return lax_form(lhs, rhs, **params) if params["batch_group_count"] > 1 else canonical(lax_form, lhs, rhs, **params)


def cut(lax_form: Callable[..., Any], lhs: Any, rhs: Any, *, padding: Any, lhs_dilation: Any, **params: Any) -> Any:
    """`lax_form` without negative padding: the pixels that it takes away are cut off before.

    XLA's CPU backend reads beyond an input that loses pixels at one end and is padded at the other.
    """
    if not any(isinstance(pad, int | np.integer) and pad < 0 for pair in padding for pad in pair):
        return lax_form(lhs, rhs, padding=padding, lhs_dilation=lhs_dilation, **params)
    edges, pairs, holes = [(0, 0, 0)] * lhs.ndim, [], []
    for axis, (low, high), d in zip(params["dimension_numbers"].lhs_spec[2:], padding, lhs_dilation, strict=True):
        before, after = (-(min(pad, 0) // d) for pad in (low, high))
        is_left = before + after < lhs.shape[axis]
        edges[axis] = (-before, -after, 0) if is_left else (low, high, d - 1)
        pairs.append((low + before * d, high + after * d) if is_left else (0, 0))
        holes.append(d if is_left else 1)
    left = lax.pad(lhs, jnp.zeros((), lhs.dtype), edges)
    return lax_form(left, rhs, padding=tuple(pairs), lhs_dilation=tuple(holes), **params)


def _is_half(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32


def _in_float32(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    dtype = params["preferred_element_type"] or lhs.dtype
    wide = params | {"preferred_element_type": np.dtype(np.float32)}
    return cpu_form(lax_form, lhs.astype(np.float32), rhs.astype(np.float32), **wide).astype(dtype)


def _is_plain(lhs: Any, rhs: Any, *, preferred_element_type: Any, **_: Any) -> bool:
    """Whether products and sums of the operands have the dtype that the result must have."""
    return lhs.dtype == rhs.dtype and preferred_element_type in (None, lhs.dtype)


def _kernel_gradient(x: Any, g: Any, window: Any, **params: Any) -> Any:
    groups = params["batch_group_count"]
    if not select.has_small_groups(groups, x.shape[-1] // groups, g.shape[-1] // groups, math.prod(window)):
        return kernel_gradient.kernel_gradient(x, g, **params)
    return grouped.kernel_gradient(
        x,
        g,
        window=window,
        padding=params["padding"],
        lhs_dilation=params["lhs_dilation"],
        strides=params["rhs_dilation"],
        spacing=params["window_strides"],
        groups=groups,
    )


def canonical(lax_form: Callable[..., Any], lhs: Any, rhs: Any, **params: Any) -> Any:
    """The same convolution on transposed operands, with N…C, …IO and N…C dimension numbers."""
    lhs_spec, rhs_spec, out_spec = params["dimension_numbers"]
    spatial = tuple(range(1, lhs.ndim - 1))
    feature = lhs.ndim - 1
    image, kernel = (0, feature, *spatial), (feature, feature - 1, *range(lhs.ndim - 2))
    numbers = lax.ConvDimensionNumbers(image, kernel, image)
    x = jnp.transpose(lhs, (lhs_spec[0], *lhs_spec[2:], lhs_spec[1]))
    k = jnp.transpose(rhs, (*rhs_spec[2:], rhs_spec[1], rhs_spec[0]))
    out = _selected(lax_form, x, k, **(params | {"dimension_numbers": numbers}))
    order = (out_spec[0], *out_spec[2:], out_spec[1])
    return jnp.transpose(out, tuple(int(i) for i in np.argsort(order)))


def _selected(lax_form: Callable[..., Any], x: Any, kernel: Any, **params: Any) -> Any:
    if not _is_plain(x, kernel, **params):
        return lax_form(x, kernel, **params)
    return select.selected(lax_form, x, kernel, **params)
