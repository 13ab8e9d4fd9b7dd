"""A convolution of an input with holes, as transposed ones and gradients of strided ones are, without the holes."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
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
    """For every input cell all its output pixels, as if they were channels; then they take their places.

    `x` is (batch, *spatial, in), `kernel` (*window, in, out), and the result (batch, *out_shape, out); `convolution` is
    lax's of canonical operands.

    Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (2016).
    """
    window, features, dims = kernel.shape[:-2], kernel.shape[-1], len(out_shape)
    behind = [w - 1 - low for w, (low, _) in zip(window, padding, strict=True)]
    extra = [b % s for b, s in zip(behind, lhs_dilation, strict=True)]
    cells = [-(-(n + e) // s) for n, e, s in zip(out_shape, extra, lhs_dilation, strict=True)]
    reach = [b // s for b, s in zip(behind, lhs_dilation, strict=True)]
    line = functools.partial(convolution, **params, lhs_dilation=(1,) * dims)

    def pixels(kernel: Any) -> Any:
        """Of kernels whose last tap belongs to the cell `reach` further on."""
        pairs = tuple(
            (t - 1 - r, count - n + r)
            for t, r, count, n in zip(kernel.shape, reach, cells, x.shape[1:-1], strict=False)
        )
        return line(x, kernel, padding=pairs)

    if all(w % s == 0 for w, s in zip(window, lhs_dilation, strict=True)):
        y = pixels(_side_by_side(kernel, lhs_dilation))
    else:
        # Side by side they would need as many taps each, some of them zeros.
        y = jnp.concatenate(
            [_of_pixel(pixels, kernel, at, lhs_dilation, x, cells) for at in np.ndindex(*lhs_dilation)], -1
        )
    y = y.reshape(x.shape[0], *cells, *lhs_dilation, features)
    order = (0, *(axis for i in range(1, dims + 1) for axis in (i, i + dims)), 2 * dims + 1)
    sizes = [n * s for n, s in zip(cells, lhs_dilation, strict=True)]
    y = y.transpose(order).reshape(x.shape[0], *sizes, features)
    stops = [e + n for e, n in zip(extra, out_shape, strict=True)]
    return lax.slice(y, (0, *extra, 0), (x.shape[0], *stops, features))


def _of_pixel(pixels: Callable[[Any], Any], kernel: Any, at: Any, strides: Any, x: Any, cells: list[int]) -> Any:
    """The pixel `at` of every cell: it sees each `strides`-th tap, counted from the window's end."""
    firsts = [(w - 1 - i) % s if w > i else w for w, i, s in zip(kernel.shape, at, strides, strict=False)]
    taps = kernel[tuple(slice(first, None, s) for first, s in zip(firsts, strides, strict=True))]
    # A window smaller than the stride leaves some pixels without a tap.
    return pixels(taps) if taps.size else jnp.zeros((x.shape[0], *cells, kernel.shape[-1]), x.dtype)


def _side_by_side(kernel: Any, strides: Any) -> Any:
    """(*taps, in, strides · out): the taps of every pixel of a cell."""
    dims, (channels, features) = len(strides), kernel.shape[-2:]
    taps = [w // s for w, s in zip(kernel.shape, strides, strict=False)]
    split = [n for pair in zip(taps, strides, strict=True) for n in pair]
    # In a cell the window's last taps come first.
    parts = jnp.flip(kernel.reshape(*split, channels, features), range(1, 2 * dims, 2))
    order = (*range(0, 2 * dims, 2), 2 * dims, *range(1, 2 * dims, 2), 2 * dims + 1)
    return parts.transpose(order).reshape(*taps, channels, math.prod(strides) * features)
