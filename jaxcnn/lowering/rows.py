"""A convolution as a sum of convolutions along the last dimension, one for every row of the window."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxcnn.lowering.taps import padded, shifted


def sum_of_rows(
    lax_form: Callable[..., Any],
    x: Any,
    kernel: Any,
    *,
    out_shape: Any,
    window_strides: Any,
    padding: Any,
    **params: Any,
) -> Any:
    """The same convolution: for all but the last dimension, cells are counted as images and taps as summands.

    `x` is (batch, *spatial, in), `kernel` (*window, in, out), and the result (batch, *out_shape, out).
    """
    window, spacing, (width, channels) = kernel.shape[:-2], params["rhs_dilation"], x.shape[-2:]
    spans = [s * (n - 1) + 1 for s, n in zip(window_strides[:-1], out_shape[:-1], strict=True)]
    x = padded(x, (*padding[:-1], (0, 0)), params["lhs_dilation"])
    line = functools.partial(
        lax_form,
        **params
        | {
            "window_strides": window_strides[-1:],
            "padding": padding[-1:],
            "lhs_dilation": (1,),
            "rhs_dilation": spacing[-1:],
            "dimension_numbers": lax.ConvDimensionNumbers((0, 2, 1), (2, 1, 0), (0, 2, 1)),
        },
    )
    parts = []
    for at in np.ndindex(window[:-1]):
        starts = [i * d for i, d in zip(at, spacing[:-1], strict=True)]
        row = shifted(x, (*starts, 0), (*spans, width), (*window_strides[:-1], 1))
        parts.append(line(row.reshape(-1, width, channels), kernel[at]))
    return functools.reduce(jnp.add, parts).reshape(x.shape[0], *out_shape, kernel.shape[-1])
