"""The slides' formulas beside the library: a layer's parameters, K·F²·D + K, and its output's size."""

import functools
import math
from collections.abc import Sequence
from typing import Any

from flax import nnx

from jaxcnn import geometry
from jaxcnn.analysis import count_params
from jaxcnn.nn import Conv

SIZES: Sequence[tuple[str, int, int, int, int, int, int]] = (
    # where, W, F, S, P, D, K
    ("7×7, stride 1", 7, 3, 1, 0, 1, 1),
    ("7×7, stride 2", 7, 3, 2, 0, 1, 1),
    ("4×4 gives 3×3 with a 2×2 filter", 4, 2, 1, 0, 1, 1),
    ("the convolution demo", 5, 3, 2, 1, 3, 2),
    ("28×28, padding 1, stride 2", 28, 3, 2, 1, 1, 5),
    ("first layer, 3 filters of 5×5", 28, 5, 1, 0, 1, 3),
    ("3 filters of 5×5 on colours", 28, 5, 1, 0, 3, 3),
    ("second layer, 6 filters of 5×5", 24, 5, 1, 0, 3, 6),
    ("32×32×3, 6 filters of 5×5", 32, 5, 1, 0, 3, 6),
    ("simple_cnn, 10 filters of 3×3", 28, 3, 1, 1, 1, 10),
)


def _layer(channels: int, filters: int, window: int) -> Conv:
    return Conv(channels, filters, window, rngs=nnx.Rngs(0))


def size_records() -> list[dict[str, Any]]:
    """K·F²·D + K and (W − F + 2P)/S + 1 by hand beside a layer's parameters and the output's size."""
    records = []
    for where, width, window, stride, pad, channels, filters in SIZES:
        layer = nnx.eval_shape(functools.partial(_layer, channels, filters, window))
        exact = (width - window + 2 * pad) / stride + 1
        (size, _) = geometry.conv_output_shape((width, width), (window, window), strides=stride, padding=pad)
        records.append(
            {
                "layer": where,
                "W": str(width), "F": str(window), "S": str(stride), "P": str(pad), "D": str(channels),
                "K": str(filters),
                "(W − F + 2P)/S + 1": f"{exact:g}",
                "output": f"{size}×{size}",
                "K·F²·D + K": f"{filters * window**2 * channels + filters:,}",
                "layer's parameters": f"{count_params(layer):,}",
                "agrees": "yes"
                if size == math.floor(exact) and count_params(layer) == filters * window**2 * channels + filters
                else "NO",
            }
        )  # fmt: skip
    return records
