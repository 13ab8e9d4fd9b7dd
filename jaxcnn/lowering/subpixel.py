"""A convolution of an input with holes, as transposed ones and gradients of strided ones are, without the holes."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax


def subpixel(
    convolution: Callable[..., Any],
    x: Any,
    kernel: Any,
    *,
    out_shape: Any,
    padding: Any,
    lhs_dilation: Any,
    **params: Any,
) -> Any:
    """One convolution that makes, for every input cell, all its output pixels as channels; then they take their places.

    `x` is (batch, *spatial, in), `kernel` (*window, in, out), and the result (batch, *out_shape, out); `convolution` is
    lax's of canonical operands.

    Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).
    """
    window, features = kernel.shape[:-2], kernel.shape[-1]
    dims, taps = len(window), [-(-w // s) for w, s in zip(window, lhs_dilation, strict=True)]
    behind = [w - 1 - low for w, (low, _) in zip(window, padding, strict=True)]
    extra = [b % s for b, s in zip(behind, lhs_dilation, strict=True)]
    cells = [-(-(n + e) // s) for n, e, s in zip(out_shape, extra, lhs_dilation, strict=True)]
    low = [t - 1 - b // s for t, b, s in zip(taps, behind, lhs_dilation, strict=True)]
    pairs = tuple(
        (below, count - n - below + t - 1) for below, count, n, t in zip(low, cells, x.shape[1:-1], taps, strict=True)
    )
    y = convolution(
        x,
        _phases(kernel, taps, lhs_dilation),
        **params | {"padding": pairs, "lhs_dilation": (1,) * dims},
    )
    y = y.reshape(x.shape[0], *cells, *lhs_dilation, features)
    order = (0, *(axis for i in range(1, dims + 1) for axis in (i, i + dims)), 2 * dims + 1)
    sizes = [n * s for n, s in zip(cells, lhs_dilation, strict=True)]
    y = y.transpose(order).reshape(x.shape[0], *sizes, features)
    stops = [e + n for e, n in zip(extra, out_shape, strict=True)]
    return lax.slice(y, (0, *extra, 0), (x.shape[0], *stops, features))


def _phases(kernel: Any, taps: list[int], strides: Any) -> Any:
    """(*taps, in, strides · out): the taps of every output pixel of a cell, with zeros where the window has no more."""
    dims, (channels, features) = len(taps), kernel.shape[-2:]
    missing = [(t * s - w, 0) for t, s, w in zip(taps, strides, kernel.shape[:-2], strict=True)]
    split = [n for pair in zip(taps, strides, strict=True) for n in pair]
    parts = jnp.pad(kernel, (*missing, (0, 0), (0, 0))).reshape(*split, channels, features)
    # In a cell the window's last taps come first.
    parts = jnp.flip(parts, range(1, 2 * dims, 2))
    order = (*range(0, 2 * dims, 2), 2 * dims, *range(1, 2 * dims, 2), 2 * dims + 1)
    return parts.transpose(order).reshape(*taps, channels, math.prod(strides) * features)
