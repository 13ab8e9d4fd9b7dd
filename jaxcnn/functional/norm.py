"""Normalisation without parameters: Krizhevsky's, across neighbouring channels."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.dtypes import accumulator, as_array
from jaxcnn.functional.layout import DataFormat, layout_of
from jaxcnn.geometry import Int
from jaxcnn.lowering import pool as lowering
from jaxcnn.lowering.windows import Windows


def local_response_norm(
    x: Shaped[ArrayLike, "..."],
    *,
    size: Int,
    alpha: float | Int | Array,
    beta: float | Int | Array,
    k: float | Int | Array,
    spatial_dims: Int | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """x / (k + alpha · Σ x²)^beta, the sum over `size` neighbouring channels: strong responses quiet their neighbours.

    `alpha` isn't divided by `size`: PyTorch's alpha is this one times size, and TensorFlow's depth_radius r is
    size = 2r + 1. AlexNet has size=5, alpha=1e-4, beta=0.75, k=2.

    Args:
      x: (batch, *spatial, channels) with any number of spatial dimensions, none too, or
        `data_format="channels_first"`; unbatched where `spatial_dims` says N.
      size: channels in the sum: size // 2 before, the channel itself, and (size − 1) // 2 after; those beyond the ends
        count 0.
      alpha: scale of the sum, at least 0.
      beta: exponent.
      k: what is added to the sum, at least 0. (With 0, pixels without any response stay 0.)

    Returns:
      The shape and dtype of `x`. Half types accumulate in float32.

    Raises:
      ValueError: for a size below 1, or alpha or k below 0.
      TypeError: for integers and complex numbers.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep CNNs" (2012), section 3.3.
    """
    x = as_array("x", x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"x must be real floating for local_response_norm, got {x.dtype}; cast it")
    axis = _channels_axis(x, spatial_dims, data_format)
    size = geometry.as_int("size", size, minimum=1)
    wide = x.astype(accumulator(x.dtype))
    alpha, k = _at_least_0("alpha", alpha, wide.dtype), _at_least_0("k", k, wide.dtype)
    base = k + alpha * lowering.total(wide * wide, _neighbours(axis, size, x.shape))
    beta = checks.as_scalar("beta", beta, wide.dtype)
    silent = base == 0
    return jnp.where(silent, 0, wide / jnp.where(silent, 1, base) ** beta).astype(x.dtype)


def _channels_axis(x: Array, spatial_dims: Any, data_format: DataFormat) -> int:
    if x.ndim < 2 and spatial_dims is None:
        raise ValueError(f"x must have axes (batch, *spatial, channels); got shape {x.shape}")
    n = x.ndim - 2 if spatial_dims is None else geometry.as_int("spatial_dims", spatial_dims, minimum=0)
    return layout_of(x, n, data_format).channels


def _at_least_0(name: str, value: Any, dtype: Any) -> Array:
    scalar = checks.as_scalar(name, value, dtype)
    if not isinstance(value, Tracer) and not float(value) >= 0:
        raise ValueError(
            f"{name} must be at least 0, since a power of a negative sum isn't real; got {geometry.shown(value)}"
        )
    return scalar


def _neighbours(axis: int, size: int, shape: tuple[int, ...]) -> Windows:
    """Windows along the channels; taps beyond both their ends count 0 everywhere, and are left out."""
    channels, ndim = shape[axis], len(shape)
    ones, sizes, pads = (1,) * ndim, [1] * ndim, [(0, 0)] * ndim
    pads[axis] = (min(size // 2, channels - 1), min((size - 1) // 2, channels - 1))
    sizes[axis] = sum(pads[axis]) + 1
    return Windows(tuple(sizes), ones, tuple(pads), ones)
