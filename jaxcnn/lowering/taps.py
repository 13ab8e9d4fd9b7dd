"""What a window's taps see of an input (batch, *spatial, channels)."""

from typing import Any

import jax.numpy as jnp
from jax import lax


def padded(x: Any, padding: Any, lhs_dilation: Any) -> Any:
    """`x` with its padding and holes written out as zeros."""
    holes = [(low, high, d - 1) for (low, high), d in zip(padding, lhs_dilation, strict=True)]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *holes, (0, 0, 0)])


def shifted(x: Any, starts: Any, spans: Any, strides: Any) -> Any:
    """What a tap sees: `spans` pixels from `starts` on, every `strides`-th."""
    stops = [start + span for start, span in zip(starts, spans, strict=True)]
    return lax.slice(x, (0, *starts, 0), (x.shape[0], *stops, x.shape[-1]), (1, *strides, 1))
