"""Pools that draw lots, from an explicit key: which tap of a window speaks, or where the windows lie."""

import math
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.adaptive import max_over
from jaxcnn.functional.dtypes import accumulator, as_array
from jaxcnn.functional.layout import DataFormat, Layout, layout_of
from jaxcnn.functional.pool import full_rank, parse_windows
from jaxcnn.geometry import Flag, Padding, Size
from jaxcnn.lowering.windows import Windows, is_small

if TYPE_CHECKING:
    Key: TypeAlias = Array
    Ratio: TypeAlias = float | Sequence[float]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Key = Ratio = Any


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
    taps = _taps(x, full_rank(windows, layout))
    weights, _ = _weights(taps)
    drawn = _draw(key, weights)
    y = jnp.take_along_axis(taps, drawn[None], 0, mode="clip")[0]
    return jnp.where(weights.any(0), y, jnp.zeros_like(y))


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
    checks.refuse_integer_average(x)
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
    try:
        jax.eval_shape(jax.random.bits, key)
    except (TypeError, ValueError) as error:
        got = f"shape {key.shape}, {key.dtype}" if hasattr(key, "dtype") else repr(key)
        raise TypeError(f"key must be one random key, such as jax.random.key(0); got {got}") from error


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
    wide = taps.astype(jnp.promote_types(accumulator(taps.dtype), jnp.float32))
    largest = lax.stop_gradient(wide).max(0, keepdims=True)
    scale = jnp.where(largest > 0, largest, jnp.where(jnp.isnan(largest), largest, 0))
    is_finite = largest < math.inf
    divisor = jnp.where((scale > 0) & is_finite, scale, 1)
    # XLA may multiply by 1 / divisor, which for the largest floats is subnormal and counts 0.
    shrunk = jnp.where(divisor > 1, 0.125, 1).astype(wide.dtype)
    positive = jnp.where(wide > 0, wide, 0) * shrunk / (divisor * shrunk)
    special = (wide == largest) | jnp.isnan(wide)
    return jnp.where(is_finite, positive, special.astype(wide.dtype)), scale[0]


def _draw(key: Key, weights: Array) -> Array:
    """For every window the number of the tap whose share of the weights a uniform number falls into."""
    weights = lax.stop_gradient(weights)
    shares = jnp.cumsum(weights, 0)
    mark = jax.random.uniform(key, shares[-1:].shape, shares.dtype) * shares[-1:]
    before = jnp.concatenate([jnp.zeros_like(shares[:1]), shares[:-1]])
    # The last tap that begins before the mark: never one without weight, whatever the rounding.
    begun = (weights > 0) & (before <= mark)
    return weights.shape[0] - 1 - jnp.argmax(begun[::-1], 0)


def fractional_max_pool(
    key: Key,
    x: Shaped[ArrayLike, "..."],
    window: Size,
    *,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    data_format: DataFormat = "channels_last",
) -> Shaped[Array, "..."]:
    """Max pooling to any smaller size, over windows whose distances are drawn: halving by steps finer than two.

    One uniform number u a spatial dimension sets where windows start: at ⌊(i + u) · a⌋ − ⌊u · a⌋ with
    a = (in − window) / (out − 1), and the last one at the end. All images and channels of the batch share it (PyTorch
    draws one each: `vmap` over keys does that).

    Args:
      key: of `jax.random.key`; the same key draws the same windows.
      x: (batch, *spatial, channels); unbatched where `window`, `output_size` or `output_ratio` is a tuple; or
        `data_format="channels_first"`.
      window: pixels, an int or N.
      output_size: cells, an int or N; or else
      output_ratio: cells a pixel, above 0 and below 1, one number or N; the product is rounded down.

    Returns:
      (batch, *output_size, channels) in the layout and dtype of `x`. Ties and NaNs as in `max_pool`.

    Raises:
      ValueError: unless exactly one of `output_size` and `output_ratio` is given; where out + window − 1 exceeds the
        input; and as `max_pool`.
      TypeError: for what isn't one key, or complex numbers.

    Source: Graham, "Fractional Max-Pooling" (2014); `torch.nn.functional.fractional_max_pool2d`.
    """
    check_key(key)
    x = as_array("x", x)
    checks.refuse_complex(x, "fractional_max_pool")
    layout, sizes, cells = _parse_fractional(x, window, output_size, output_ratio, data_format)
    drawn = jax.random.uniform(key, (len(cells),))
    # The last dimension first, so that the first of equals is the first in row-major order.
    for n in reversed(range(len(cells))):
        axis = layout.spatial[n]
        first = window_starts(drawn[n], x.shape[axis], cells[n], sizes[n])
        pixels = first.reshape(-1, 1) + jnp.arange(sizes[n]).reshape(1, -1)
        x = max_over(x, axis, pixels, np.ones(pixels.shape, bool))
    return x


def window_starts(number: Any, size: int, cells: int, window: int) -> Array:
    """The first pixels of `cells` windows on `size` pixels, from one number of [0, 1)."""
    last = jnp.full(1, size - window, jnp.int32)
    if cells == 1:
        return last
    step = (size - window) / (cells - 1)
    first = jnp.floor((jnp.arange(cells - 1) + number) * step) - jnp.floor(number * step)
    return jnp.concatenate([first.astype(jnp.int32), last])


def _parse_fractional(x, window, output_size, output_ratio, data_format) -> tuple[Layout, tuple, tuple]:
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            "output_size must be given or else output_ratio, one of them; got "
            f"output_size={output_size!r} and output_ratio={output_ratio!r}"
        )
    given = [geometry.entries(value) for value in (window, output_size, output_ratio)]
    counts = [len(sizes) for sizes in given if sizes is not None]
    spatial_dims = counts[0] if counts else x.ndim - 2
    if spatial_dims not in (1, 2, 3):
        raise ValueError(
            f"window must be an int with x of 3 to 5 axes (batch, *spatial, channels), or a tuple of 1 to 3 ints; got "
            f"{window!r} with shape {x.shape}"
        )
    layout = layout_of(x, spatial_dims, data_format)
    spatial = tuple(x.shape[axis] for axis in layout.spatial)
    sizes = geometry.as_sizes("window", window, spatial_dims)
    name, cells = "output_size", output_size
    if output_size is None:
        name, cells = "output_ratio", _scaled(spatial, output_ratio)
    cells = geometry.as_sizes(name, cells, spatial_dims)
    _check_room(name, spatial, sizes, cells)
    return layout, sizes, cells


def _scaled(spatial: tuple[int, ...], output_ratio: Any) -> tuple[int, ...]:
    ratios = geometry.entries(output_ratio)
    ratios = (output_ratio,) * len(spatial) if ratios is None else ratios
    known = [isinstance(r, numbers.Real) and 0 < float(r) < 1 for r in ratios]
    cells = tuple(int(n * float(r)) for n, r, ok in zip(spatial, ratios, known, strict=False) if ok)
    if len(ratios) != len(spatial) or not all(known) or 0 in cells:
        raise ValueError(
            f"output_ratio must be above 0 and below 1, one number or {len(spatial)}, and leave a cell of the "
            f"{spatial} pixels; got {output_ratio!r}"
        )
    return cells


def _check_room(name: str, spatial: tuple[int, ...], window: tuple[int, ...], cells: tuple[int, ...]) -> None:
    for axis, (size, taps, count) in enumerate(zip(spatial, window, cells, strict=True)):
        if count + taps - 1 > size:
            raise ValueError(
                f"{name} must leave room for different windows, at most {max(size - taps + 1, 0)} cells for windows of "
                f"{taps} on {size} pixels in spatial dimension {axis}; got {count}; use fewer cells or a smaller window"
            )
