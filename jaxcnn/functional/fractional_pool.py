"""Fractional max pooling: windows whose distances are drawn, from an explicit key."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import geometry
from jaxcnn.functional import checks
from jaxcnn.functional.adaptive import max_over
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.layout import DataFormat, Layout, layout_of, window_dims
from jaxcnn.functional.random_pool import Key, check_key
from jaxcnn.geometry import Size

if TYPE_CHECKING:
    Ratio: TypeAlias = float | Sequence[float]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Ratio = Any


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
        pixels = first.reshape(-1, 1) + jnp.arange(sizes[n], dtype=jnp.int32).reshape(1, -1)
        x = max_over(x, axis, pixels, np.ones(pixels.shape, bool))
    return x


def window_starts(number: Any, size: int, cells: int, window: int) -> Array:
    """The first pixels of `cells` windows on `size` pixels, from one number of [0, 1)."""
    last = jnp.full(1, size - window, jnp.int32)
    if cells == 1:
        return last
    step = (size - window) / (cells - 1)
    first = jnp.floor((jnp.arange(cells - 1, dtype=float) + number) * step) - jnp.floor(number * step)
    return jnp.concatenate([first.astype(jnp.int32), last])


def _parse_fractional(x, window, output_size, output_ratio, data_format) -> tuple[Layout, tuple, tuple]:
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            "output_size must be given or else output_ratio, one of them; got "
            f"output_size={geometry.shown(output_size)} and output_ratio={geometry.shown(output_ratio)}"
        )
    options = {"window": window, "output_size": output_size, "output_ratio": output_ratio}
    name, given = next(((n, v) for n, v in options.items() if geometry.entries(v) is not None), ("window", window))
    layout = layout_of(x, window_dims(given, x, name), data_format)
    spatial_dims = len(layout.spatial)
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
    known = [isinstance(r, float | np.floating | Fraction) and 0 < float(r) < 1 for r in ratios]
    cells = tuple(int(n * float(r)) for n, r, ok in zip(spatial, ratios, known, strict=False) if ok)
    if len(ratios) != len(spatial) or not all(known) or 0 in cells:
        raise ValueError(
            f"output_ratio must be above 0 and below 1, one number or {len(spatial)}, and leave a cell of the "
            f"{spatial} pixels; got {geometry.shown(output_ratio)}"
        )
    return cells


def _check_room(name: str, spatial: tuple[int, ...], window: tuple[int, ...], cells: tuple[int, ...]) -> None:
    for axis, (size, taps, count) in enumerate(zip(spatial, window, cells, strict=True)):
        if count + taps - 1 > size:
            raise ValueError(
                f"{name} must leave room for different windows, at most {max(size - taps + 1, 0)} cells for windows of "
                f"{taps} on {size} pixels in spatial dimension {axis}; got {count}; use fewer cells or a smaller window"
            )
