"""Stochastic pooling: which tap of a window speaks is drawn, from an explicit key."""

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.functional import checks
from jaxcnn.functional.dtypes import accumulator, as_array, is_exact
from jaxcnn.functional.layout import DataFormat
from jaxcnn.functional.pool import full_rank, parse_windows
from jaxcnn.geometry import Flag, Padding, Size, shown
from jaxcnn.lowering.pool import in_float32
from jaxcnn.lowering.windows import Windows, is_small

if TYPE_CHECKING:
    Key: TypeAlias = Array
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Key = Any


def stochastic_pool(
    key: Key,
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """One value of every window, drawn with a probability proportional to it: max pooling that doesn't overfit.

    Activations are taken to be non-negative, as after a relu: a negative one counts 0, and a window without a positive
    one gives 0. A NaN wins, then an infinity. The value that was drawn receives the gradient.

    Args:
      key: of `jax.random.key`; the same key draws the same taps.
      x, window, strides, padding, dilation, ceil_mode, data_format: as in `pool`; the padding is never drawn.

    Returns:
      (batch, *out, channels) in the layout and dtype of `x`.

    Raises:
      ValueError: as `pool`.
      TypeError: for what isn't one key, or complex numbers.

    Source: Zeiler and Fergus, "Stochastic Pooling for Regularization of Deep Convolutional Networks" (2013).
    """
    check_key(key)
    x = as_array("x", x)
    checks.refuse_complex(x, "stochastic_pool")
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    return in_float32(lambda x: _drawn(key, _taps(x, full_rank(windows, layout))), x)


def stochastic_pool_mean(
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """What `stochastic_pool` gives on average, Σ x² / Σ x over the positive values: its form for testing.

    Arguments and errors as in `stochastic_pool`. A window without a positive value gives 0, with derivatives of 0.

    Raises:
      TypeError: for integers, whose average isn't one; cast `x` to a floating type.

    Source: Zeiler and Fergus (2013), section 3.2, "probabilistic weighting".
    """
    x = as_array("x", x)
    checks.refuse_complex(x, "stochastic_pool_mean")
    checks.refuse_integer_average(x, "stochastic_pool_mean")
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    weights, scale = _weights(_taps(x.astype(accumulator(x.dtype)), full_rank(windows, layout)))
    total = weights.sum(0)
    mean = scale * ((weights * weights).sum(0) / jnp.where(total > 0, total, 1))
    return mean.astype(x.dtype)


def check_key(key: Any) -> None:
    """Refuse what isn't one random key.

    Raises:
      TypeError: for it.
    """
    rule = "key must be one random key, such as jax.random.key(0); got"
    if not isinstance(key, Array | np.ndarray):
        raise TypeError(f"{rule} {shown(key)}")
    try:
        jax.eval_shape(jax.random.bits, key)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{rule} shape {key.shape}, {key.dtype}") from error


def _taps(x: Array, windows: Windows) -> Array:
    """What every tap of every window sees, (taps, *out), in row-major order; padding as 0."""
    padded = windows.pad(x, 0)
    if is_small(windows):
        return jnp.stack([windows.tap(padded, at) for at in windows.taps()])
    return jax.vmap(windows.tap, (None, 0))(padded, jnp.asarray(windows.taps()))


def _weights(taps: Array) -> tuple[Array, Array]:
    """Chances of the taps up to a factor, at most 1, and the factor, a constant that leaves no sum to overflow.

    Where a window holds NaNs (else infinities), those have the weight 1 and all others 0.
    """
    wide = taps.astype(jnp.float32 if is_exact(taps.dtype) else accumulator(taps.dtype))
    largest = lax.stop_gradient(wide).max(0, keepdims=True)
    scale = jnp.where(largest > 0, largest, jnp.where(jnp.isnan(largest), largest, 0))
    is_finite = largest < math.inf
    divisor = jnp.where((scale > 0) & is_finite, scale, 1)
    # XLA may multiply by 1 / divisor, which for the largest floats is subnormal and counts 0.
    shrunk = jnp.where(divisor > 1, 0.125, 1).astype(wide.dtype)
    positive = jnp.where(wide > 0, wide, 0) * shrunk / (divisor * shrunk)
    special = (wide == largest) | jnp.isnan(wide)
    return jnp.where(is_finite, positive, special.astype(wide.dtype)), scale[0]


def _drawn(key: Key, taps: Array) -> Array:
    weights, _ = _weights(taps)
    y = jnp.take_along_axis(taps, _draw(key, weights)[None], 0, mode="clip")[0]
    return jnp.where(weights.any(0), y, jnp.zeros_like(y))


def _draw(key: Key, weights: Array) -> Array:
    """For every window the number of the tap whose share of the weights a uniform number falls into."""
    weights = lax.stop_gradient(weights)
    shares = jnp.cumsum(weights, 0)
    mark = jax.random.uniform(key, shares[-1:].shape, shares.dtype) * shares[-1:]
    before = jnp.concatenate([jnp.zeros_like(shares[:1]), shares[:-1]])
    # The last tap that begins before the mark: never one without weight, whatever the rounding.
    begun = (weights > 0) & (before <= mark)
    return weights.shape[0] - 1 - jnp.argmax(begun[::-1], 0)
