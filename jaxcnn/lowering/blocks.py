"""Convolutions with few features by oneDNN: a block of neighbouring cells takes the place of one cell.

oneDNN computes a vector of features at a time, sixteen where vectors are longest, and most of it in vain where there
are three or six. So a block of a row's cells becomes one cell with as many times the features: its window sees what
the whole block sees, and holds the kernel once for each cell, in that cell's place among zeros. The result is the same
array, for a row's cells lie side by side, each with its features. By the zeros, what is infinite or NaN makes a NaN of
every cell in a block that sees it.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxcnn.lowering import onednn
from jaxcnn.lowering.taps import padded

# The features that oneDNN computes at a time.
FEATURES = 16
# Columns of a product of patches: those of blocks are fewer, and wide products faster, than what is in vain costs.
COLUMNS = 32


def fitting(
    kernel: Any, out_shape: Any, *, window_strides: Any, rhs_dilation: Any, feature_group_count: int, **_: Any
) -> int:
    """How many cells make a block of this convolution; 1 where blocks would not serve."""
    if feature_group_count > 1 or window_strides[-1] > 1 or rhs_dilation[-1] > 1:
        return 1
    return cells(out_shape[-1], kernel.shape[-3], kernel.shape[-1], FEATURES)


def cells(width: int, window: int, features: int, most: int) -> int:
    """How many cells of a row `width` long make a block: as many as the window is wide, and `most` features, at most.

    Wider blocks would multiply more zeros than they save.
    """
    longest = min(window, width, most // max(features, 1))
    return next((count for count in range(longest, 1, -1) if width % count == 0), 1)


def convolution(
    x: Any, kernel: Any, block: int, *, out_shape: Any, window_strides: Any, padding: Any, rhs_dilation: Any
) -> Any:
    """`onednn.convolution` in blocks of cells, for a last stride and dilation of 1."""
    # oneDNN takes the cells whose window sees padding one by one; written out, padding makes all cells of a row alike.
    rows = ((0, 0),) * (len(padding) - 1)
    out = onednn.convolution(
        padded(x, (*rows, padding[-1]), (1,) * len(padding)),
        _side_by_side(kernel, block),
        out_shape=(*out_shape[:-1], out_shape[-1] // block),
        window_strides=(*window_strides[:-1], block),
        padding=(*padding[:-1], (0, 0)),
        rhs_dilation=rhs_dilation,
        groups=1,
    )
    return out.reshape(x.shape[0], *out_shape, kernel.shape[-1])


def _side_by_side(kernel: Any, block: int) -> Any:
    """(*window, in, out) to (…, width + block − 1, in, block · out): for every cell the kernel a pixel further on."""
    *rows, width, channels, features = kernel.shape
    reach = width + block - 1
    # Copies of the kernel in a line, each one pixel longer than what the block sees: cut to that, they run ahead.
    line = jnp.pad(kernel, (*(((0, 0),) * len(rows)), (0, block), (0, 0), (0, 0)))
    line = jnp.broadcast_to(line[..., None, :, :, :], (*rows, block, reach + 1, channels, features))
    line = line.reshape(*rows, -1, channels, features)[..., : block * reach, :, :]
    placed = jnp.moveaxis(line.reshape(*rows, block, reach, channels, features), -4, -2)
    return placed.reshape(*rows, reach, channels, block * features)


def together(g: Any, block: int) -> Any:
    """A cotangent (batch, *cells, out) in blocks: (…, cells / block, block · out)."""
    return g.reshape(*g.shape[:-2], g.shape[-2] // block, block * g.shape[-1])


def summed(gradient: Any, block: int) -> Any:
    """The gradient to a kernel, from that to the kernel of a block, which holds it once a cell."""
    *rows, reach, channels, features = gradient.shape
    shape = (*rows, reach - block + 1, channels, features // block)
    kernel = jax.ShapeDtypeStruct(shape, gradient.dtype)
    return jax.linear_transpose(lambda kernel: _side_by_side(kernel, block), kernel)(gradient)[0]
