"""Lp pooling: between the sum (p = 1) and the maximum (p = ∞) of the sizes in a window."""

import math
import numbers
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional.dtypes import accumulator, as_array
from jaxcnn.functional.layout import DataFormat
from jaxcnn.functional.pool import full_rank, parse_windows
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.lowering import pool as lowering
from jaxcnn.lowering.windows import Windows, is_small, over_taps, reduce_window

# From here on no float tells the norm from the largest size: the root of the number of taps rounds to 1.
HIGHEST_ORDER = 2.0**60


def lp_pool(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    p: float | Int = 2,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """(Σ |x|^p)^(1/p) over every window, padding counting 0: the energy of a response (p = 2) whatever its sign.

    Sizes are scaled by the window's largest, so that no power overflows or vanishes. Half types accumulate in float32.

    Args:
      p: the norm's order, at least 1; `math.inf`, or 2⁶⁰ and above, takes the largest size.
      x, window, strides, padding, dilation, ceil_mode, data_format: as in `pool`.

    Returns:
      (batch, *out, channels) in the layout and dtype of `x`. Derivatives of every order are 0 on an all-zero window,
      and where |x|^p itself has none at 0 (unless p is even), that pixel passes 0.

    Raises:
      ValueError: for p below 1, and as `pool`.
      TypeError: for integers and complex numbers.

    Source: `torch.nn.functional.lp_pool2d` (which for odd p doesn't take |x|); Sermanet et al. (2012).
    """
    x = as_array("x", x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(
            f"x must be real floating for lp_pool, got {x.dtype}; cast it to a floating type, or take abs(x)"
        )
    p = _order(p)
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    full = full_rank(windows, layout)
    wide = full.pad(x.astype(accumulator(x.dtype)), 0)
    return _norm(wide, p, full._replace(padding=((0, 0),) * x.ndim)).astype(x.dtype)


def _order(p: Any) -> float:
    try:
        order = float(p) if isinstance(p, numbers.Real) and not isinstance(p, bool) else math.nan
    except OverflowError:
        order = math.nan
    if not order >= 1:
        raise ValueError(f"p must be a number of at least 1, math.inf included; got {geometry.shown(p)}")
    return order


def _norm(x: Array, p: float, windows: Windows) -> Array:
    if p == 1:
        return lowering.total(_size(x), windows)
    if p >= HIGHEST_ORDER:
        return lowering.extreme(_size(x), True, windows)
    largest = reduce_window(jnp.abs(lax.stop_gradient(x)), jnp.zeros((), x.dtype), lax.max, windows)
    # A constant for every derivative: the norm doesn't depend on it.
    scale = jnp.where((largest > 0) & (largest < math.inf), largest, 1)
    # XLA may multiply by 1 / scale, which for the largest floats is subnormal and counts 0.
    shrunk = jnp.where(scale > 1, 0.125, 1).astype(x.dtype)

    def step(total: Array, _: Any, at: Any) -> Array:
        return total + _power(windows.tap(x, at) * shrunk / (scale * shrunk), p)

    total = over_taps(step, jnp.zeros_like(largest), windows, unroll=is_small(windows))
    # The root has no derivative at 0, and 0 times that would be NaN.
    silent = largest == 0
    return jnp.where(silent, 0, scale * jnp.where(silent, 1, total) ** (1 / p))


def _power(x: Array, p: float) -> Array:
    """|x|^p, with derivatives of 0 at 0 unless p is even, where they are those of x^p."""
    if p % 2 == 0:
        return lax.integer_pow(x, int(p))
    zero = x == 0
    return jnp.where(zero, 0, jnp.where(zero, 1, _size(x)) ** p)


def _size(x: Array) -> Array:
    """|x|, with a derivative of 0 at 0, where JAX's is 1."""
    return x * lax.stop_gradient(jnp.sign(x))
