"""A convolution that makes more cells than it reads, as the gradient to an input and a transposed convolution do."""

import functools
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering.slices import mapped

# The products of one slice of the batch.
PRODUCT_BYTES = 5 * 2**20


def spread(x: Any, kernel: Any, *, out_shape: Any, padding: Any, lhs_dilation: Any, rhs_dilation: Any, **_: Any) -> Any:
    """Every input cell times the whole kernel, one matrix product, and the overlapping windows summed.

    `x` is (batch, *spatial, in), `kernel` (*window, in, out), and the result (batch, *out_shape, out).
    """
    window, (channels, features) = kernel.shape[:-2], kernel.shape[-2:]
    # A convolution's first tap sees the input's far end: turned, taps and cells count in the same direction.
    turned = jnp.flip(kernel, range(len(window))).reshape(-1, channels, features)
    matrix = turned.transpose(1, 0, 2).reshape(channels, -1)
    first = [low - (w - 1) * d for (low, _), w, d in zip(padding, window, rhs_dilation, strict=True)]

    def form(x: Any) -> Any:
        products = (x.reshape(-1, channels) @ matrix).reshape(*x.shape[:-1], math.prod(window), features)
        parts = []
        for number, at in enumerate(np.ndindex(window)):
            starts = [f + i * d for f, i, d in zip(first, at, rhs_dilation, strict=True)]
            parts.append(_placed(products[..., number, :], starts, out_shape, lhs_dilation))
        # XLA would fuse the sums into whatever reads them, a pooling gradient say, and repeat them for every reader.
        return lax.optimization_barrier(functools.reduce(jnp.add, parts))

    image_bytes = math.prod(x.shape[1:-1]) * matrix.shape[1] * x.dtype.itemsize
    return mapped(form, x, image_bytes, PRODUCT_BYTES)


def _placed(part: Any, starts: Any, out_shape: Any, strides: Any) -> Any:
    """`part`'s cells `strides` apart from `starts` on, in zeros of `out_shape`; what falls outside is cut off."""
    edges = [
        (start, size - start - ((n - 1) * stride + 1), stride - 1)
        for start, size, n, stride in zip(starts, out_shape, part.shape[1:-1], strides, strict=True)
    ]
    return lax.pad(part, jnp.zeros((), part.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
