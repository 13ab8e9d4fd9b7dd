"""The gradient of a convolution to its kernel: matrix products of strips of the input with the cotangent."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering import exchanged, onednn, patches
from jaxcnn.lowering.slices import summed
from jaxcnn.lowering.taps import padded

# Strips of one slice of the batch; more no longer stays in a laptop core's second-level cache.
STRIP_BYTES = 2**20


def is_kernel_gradient(*, dimension_numbers: Any, feature_group_count: int, **_: Any) -> bool:
    """Whether autodiff wrote this as the gradient of a channels-last convolution to its kernel, of either layout."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    feature = len(lhs_spec) - 1
    exchanged = (feature, 0, *range(1, feature))
    return (
        (lhs_spec, rhs_spec) == (exchanged, exchanged)
        and out_spec[2:] == tuple(range(feature - 1))
        and feature_group_count == 1
    )


def kernel_window(
    x: Any, g: Any, *, window_strides: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any, **_: Any
) -> tuple[int, ...]:
    """The window whose gradient a kernel-gradient convolution of `x` with `g` computes; its strides space the taps."""
    sizes = [(n - 1) * d + 1 + sum(pair) for n, d, pair in zip(x.shape[1:-1], lhs_dilation, padding, strict=True)]
    spans = _spans(g, rhs_dilation)
    return tuple((n - span) // d + 1 for n, span, d in zip(sizes, spans, window_strides, strict=True))


def kernel_gradient(x: Any, g: Any, **params: Any) -> Any:
    """For every row of the window one matrix product, of the cells' inputs under that row with the cotangent.

    A row's inputs lie side by side in a strip that all rows share: whole patches would be copied window-height times.
    """
    if params["batch_group_count"] == 1 and max(params["lhs_dilation"]) > 1 and set(params["rhs_dilation"]) == {1}:
        return _of_transposed(x, g, **params)
    groups, features = params["batch_group_count"], g.shape[-1]
    window, strides, spacing = kernel_window(x, g, **params), params["rhs_dilation"], params["window_strides"]
    by_onednn = groups == 1 and onednn.is_in_force() and x.dtype == g.dtype == np.float32
    if by_onednn and exchanged.suits(x, g, **params):
        return exchanged.kernel_gradient(x, g, window, **params)
    x, spans = padded(x, params["padding"], params["lhs_dilation"]), _spans(g, strides)
    if by_onednn:
        return patches.kernel_gradient(x, g, window=window, strides=strides, spacing=spacing)

    def product(x: Any, g: Any) -> Any:
        strip = _strip(x, g.shape[-2], window[-1], strides[-1], spacing[-1])
        rows = [_row(strip, at, spacing, spans, strides) for at in np.ndindex(window[:-1])]
        return jnp.concatenate([_times(row, g, window[-1], groups) for row in rows])

    strip_bytes = math.prod(x.shape[1:-2]) * g.shape[-2] * window[-1] * x.shape[-1] * x.dtype.itemsize
    return summed(product, (x, g), strip_bytes, STRIP_BYTES).reshape(*window, -1, features)


def slices(window: Any, *, window_strides: Any, lhs_dilation: Any, rhs_dilation: Any, **_: Any) -> int:
    """How many slices of the input the form writes out."""
    strides = lhs_dilation if max(lhs_dilation) > 1 and set(rhs_dilation) == {1} else rhs_dilation
    columns = _blocks(window[-1], strides[-1]) if window_strides[-1] == 1 else window[-1]
    return math.prod(window[:-1]) * columns


def _blocks(window: int, stride: int) -> int:
    return -(-window // stride)


def _strip(x: Any, cells: int, window: int, stride: int, spacing: int) -> Any:
    """(…, cells, window · channels): what the last dimension's windows see, side by side.

    Taps less than a stride apart are neighbours in every window: they are copied as one block.
    """
    if stride == 1 or spacing > 1:
        span = stride * (cells - 1) + 1
        return jnp.concatenate([_tap(x, -1, j * spacing, span, stride) for j in range(window)], axis=-1)
    count = _blocks(window, stride)
    whole = stride * (cells - 1 + count)
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0)] * (x.ndim - 2) + [(0, whole - x.shape[-2], 0), (0, 0, 0)])
    blocks = x.reshape(*x.shape[:-2], cells - 1 + count, stride * x.shape[-1])
    strip = jnp.concatenate([blocks[..., q : q + cells, :] for q in range(count)], axis=-1)
    return strip[..., : window * x.shape[-1]]


def _of_transposed(x: Any, g: Any, **params: Any) -> Any:
    """The same for a transposed convolution, whose window slides over the cotangent: no holes to multiply."""
    window, spacing, strides = kernel_window(x, g, **params), params["window_strides"], params["lhs_dilation"]
    edges = []
    for size, cells, w, d, s, (low, _) in zip(
        g.shape[1:-1], x.shape[1:-1], window, spacing, strides, params["padding"], strict=True
    ):
        before = (w - 1) * d - low
        edges.append((before, (cells - 1) * s + (w - 1) * d + 1 - size - before))
    ones = (1,) * len(window)
    exchanged = params | {"padding": tuple(edges), "lhs_dilation": ones, "rhs_dilation": strides}
    turned = kernel_gradient(g, x, **exchanged)
    return jnp.flip(turned, range(len(window))).swapaxes(-1, -2)


def _times(row: Any, g: Any, taps: int, groups: int) -> Any:
    """(taps · in, groups · out): the sum over cells of a row's inputs (taps · groups · in) times the cotangent."""
    features = g.shape[-1]
    if groups == 1:
        return row.reshape(-1, row.shape[-1]).T @ g.reshape(-1, features)
    cells, inner = math.prod(row.shape[:-1]), row.shape[-1] // (taps * groups)
    row, g = row.reshape(cells, taps, groups, inner), g.reshape(cells, groups, features // groups)
    return jnp.einsum("ctgi,cgo->tigo", row, g).reshape(taps * inner, features)


def _spans(g: Any, strides: Any) -> list[int]:
    return [s * (cells - 1) + 1 for s, cells in zip(strides, g.shape[1:-1], strict=True)]


def _row(strip: Any, at: tuple[int, ...], spacing: Any, spans: Any, strides: Any) -> Any:
    for axis, i in enumerate(at):
        strip = _tap(strip, axis, i * spacing[axis], spans[axis], strides[axis])
    return strip


def _tap(x: Any, spatial_axis: int, start: int, span: int, stride: int) -> Any:
    axis = x.ndim - 2 if spatial_axis < 0 else spatial_axis + 1
    return lax.slice_in_dim(x, start, start + span, stride, axis)
