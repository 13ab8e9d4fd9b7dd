"""The gradient of a convolution to its kernel as one matrix product of all patches with the cotangent."""

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from jaxcnn.lowering import blocks, onednn
from jaxcnn.lowering.slices import summed

# Patches of one slice of the batch: what a core's share of the last cache takes beside the product's operands.
PATCH_BYTES = 9 * 2**20


def kernel_gradient(x: Any, g: Any, *, window: Any, strides: Any, spacing: Any) -> Any:
    """(*window, in, out) from the padded input (batch, *spatial, in) and the cotangent (batch, *cells, out).

    Where features are few, patches are those of blocks of cells: fewer pixels are copied, and products are wider.
    """
    is_dense = strides[-1] == spacing[-1] == 1
    block = blocks.cells(g.shape[-2], window[-1], g.shape[-1], blocks.COLUMNS) if is_dense else 1
    if block == 1:
        return _gradient(x, g, window, strides, spacing)
    window, strides = (*window[:-1], window[-1] + block - 1), (*strides[:-1], block)
    return blocks.summed(_gradient(x, blocks.together(g, block), window, strides, spacing), block)


def _gradient(x: Any, g: Any, window: Any, strides: Any, spacing: Any) -> Any:
    taps, (channels, features), cells = math.prod(window), (x.shape[-1], g.shape[-1]), g.shape[1:-1]

    def product(x: Any, g: Any) -> Any:
        patches = _patches(jnp.moveaxis(x, -1, 0), cells, window, strides, spacing)
        return onednn.matmul(patches.reshape(taps * channels, -1), g.reshape(-1, features))

    patch_bytes = math.prod(cells) * taps * channels * x.dtype.itemsize
    return summed(product, (x, g), patch_bytes, PATCH_BYTES).reshape(*window, channels, features)


def _patches(planes: Any, cells: Any, window: Any, strides: Any, spacing: Any) -> Any:
    """(*window, in, batch, *cells) from (in, batch, *spatial): one axis after the other, which copies whole rows."""
    for back in range(1, len(window) + 1):
        n, step, gap = cells[-back], strides[-back], spacing[-back]
        axis = planes.ndim - back
        starts = range(0, window[-back] * gap, gap)
        taps = [lax.slice_in_dim(planes, start, start + step * (n - 1) + 1, step, axis) for start in starts]
        planes = jnp.stack(taps)
    return planes
