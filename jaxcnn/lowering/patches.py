"""The gradient of a convolution to its kernel as one matrix product of all patches with the cotangent."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering import onednn
from jaxcnn.lowering.slices import summed
from jaxcnn.lowering.taps import shifted

# Patches of one slice of the batch: what a core's share of the last cache takes beside the product's operands.
PATCH_BYTES = 9 * 2**20
# With fewer channels, patches lie one tap after the other: side by side they would be copied a few numbers at a time.
LEAST_CHANNELS = 8


def kernel_gradient(x: Any, g: Any, *, window: Any, strides: Any, spacing: Any) -> Any:
    """(*window, in, out) from the padded input (batch, *spatial, in) and the cotangent (batch, *cells, out)."""
    taps, (channels, features) = math.prod(window), (x.shape[-1], g.shape[-1])
    spans = [s * (n - 1) + 1 for s, n in zip(strides, g.shape[1:-1], strict=True)]
    starts = [[i * d for i, d in zip(at, spacing, strict=True)] for at in np.ndindex(*window)]

    def side_by_side(x: Any, g: Any) -> Any:
        patches = jnp.concatenate([shifted(x, start, spans, strides) for start in starts], axis=-1)
        product = onednn.matmul(g.reshape(-1, features), patches.reshape(-1, taps * channels), transpose_a=True)
        return product.T

    def one_after_the_other(x: Any, g: Any) -> Any:
        planes = jnp.moveaxis(x, -1, 0)
        patches = jnp.stack([_plane(planes, start, spans, strides) for start in starts])
        return onednn.matmul(patches.reshape(taps * channels, -1), g.reshape(-1, features))

    form = one_after_the_other if channels < LEAST_CHANNELS else side_by_side
    patch_bytes = math.prod(g.shape[1:-1]) * taps * channels * x.dtype.itemsize
    return summed(form, (x, g), patch_bytes, PATCH_BYTES).reshape(*window, channels, features)


def _plane(planes: Any, start: Any, spans: Any, strides: Any) -> Any:
    stop = [first + span for first, span in zip(start, spans, strict=True)]
    return lax.slice(planes, (0, 0, *start), (*planes.shape[:2], *stop), (1, 1, *strides))
