"""Convolutions of many small groups, depthwise ones above all: products and sums, without a matrix to multiply."""

import functools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering.taps import padded, shifted


def multiplied_taps(
    x: Any, kernel: Any, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any, groups: int
) -> Any:
    """Tap after tap the shifted input times the kernel's numbers there, in one pass over the output.

    `x` is (batch, *spatial, groups · in), `kernel` (*window, in, groups · out).
    """
    window, inner, outer = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1] // groups
    x = padded(x, padding, lhs_dilation)
    spans = [
        (n - (w - 1) * d - 1) // s * s + 1
        for n, w, d, s in zip(x.shape[1:-1], window, rhs_dilation, window_strides, strict=True)
    ]
    parts, ones = [], (*(1,) * (x.ndim - 1), -1)
    for at in np.ndindex(window):
        tap = shifted(x, [i * d for i, d in zip(at, rhs_dilation, strict=True)], spans, window_strides)
        parts += [channel_of(tap, i, inner, outer) * kernel[at][i].reshape(ones) for i in range(inner)]
    return functools.reduce(jnp.add, parts)


def channel_of(tap: Any, i: int, inner: int, outer: int) -> Any:
    """Channel `i` of every group, once for each of the group's outputs."""
    one = tap[..., i::inner] if inner > 1 else tap
    return jnp.repeat(one, outer, axis=-1) if outer > 1 else one


def kernel_gradient(
    x: Any, g: Any, *, window: Any, padding: Any, lhs_dilation: Any, strides: Any, spacing: Any, groups: int
) -> Any:
    """The gradient to `multiplied_taps`' kernel: the shifted input times the cotangent, summed over the cells.

    A loop adds up the image's rows: XLA's sums over all but the last axis are an order slower.
    """
    inner, outer = x.shape[-1] // groups, g.shape[-1] // groups
    x = padded(x, padding, lhs_dilation)
    spans = [s * (n - 1) + 1 for s, n in zip(strides, g.shape[1:-1], strict=True)]
    height = (window[0] - 1) * spacing[0] + 1

    def add_row(row: Any, totals: Any) -> Any:
        strip = lax.dynamic_slice_in_dim(x, row * strides[0], height, axis=1)
        cotangent = lax.dynamic_slice_in_dim(g, row, 1, axis=1)
        products = []
        for at in np.ndindex(*window):
            starts = [i * d for i, d in zip(at, spacing, strict=True)]
            tap = shifted(strip, starts, [1, *spans[1:]], [1, *strides[1:]])
            products += [channel_of(tap, i, inner, outer) * cotangent for i in range(inner)]
        return [total + product for total, product in zip(totals, products, strict=True)]

    empty = jnp.zeros((g.shape[0], 1, *g.shape[2:]), jnp.result_type(x, g))
    totals = lax.fori_loop(0, g.shape[1], add_row, [empty] * (math.prod(window) * inner))
    return jnp.stack([total.sum(range(total.ndim - 1)) for total in totals]).reshape(*window, inner, g.shape[-1])
