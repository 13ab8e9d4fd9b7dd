"""The summary's numbers for every layer of `nn`: shapes, parameters and multiply-accumulates by hand."""

import math

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from jaxcnn import analysis, nn

# Every layer stands after a 3×3 convolution on (1, 8, 8, 2): a cell of its input sees 3×3 pixels.
LAYERS = {
    # 64 input cells meet 9 taps of 2 · 3 channels; a cell of the output sees at most 2 of them a side
    "transpose": (lambda r: nn.ConvTranspose(2, 3, 3, strides=2, rngs=r), (1, 17, 17, 3), 57, 64 * 9 * 6, (4, 4)),
    "depthwise": (lambda r: nn.DepthwiseConv(2, 3, multiplier=2, rngs=r), (1, 6, 6, 4), 40, 36 * 9 * 4, (5, 5)),
    # 36 cells: 9 taps a channel, then 2 · 5 products
    "separable": (lambda r: nn.SeparableConv(2, 5, 3, rngs=r), (1, 6, 6, 5), 33, 36 * (18 + 10), (5, 5)),
    # 36 places of 9 · 2 · 4 weights and 4 biases
    "local": (lambda r: nn.LocalConv(2, 4, 3, input_shape=8, rngs=r), (1, 6, 6, 4), 36 * 76, 36 * 72, (5, 5)),
    "adaptive tiles": (lambda r: nn.AdaptiveAvgPool(2), (1, 2, 2, 2), 0, 0, (6, 6)),
    # Windows of other and other sizes: not known.
    "adaptive": (lambda r: nn.AdaptiveMaxPool(3), (1, 3, 3, 2), 0, 0, None),
    "pyramid": (lambda r: nn.SpatialPyramidPool((1, 2)), (1, 10), 0, 0, None),
    "fractional": (lambda r: nn.FractionalMaxPool(2, output_size=5, rngs=r), (1, 5, 5, 2), 0, 0, None),
    "lp": (lambda r: nn.LpPool(2), (1, 4, 4, 2), 0, 0, (4, 4)),
    "blur": (lambda r: nn.BlurPool(), (1, 4, 4, 2), 0, 0, (5, 5)),
    "response norm": (
        lambda r: nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2),
        (1, 8, 8, 2),
        0,
        0,
        (3, 3),
    ),
    "stochastic": (lambda r: nn.StochasticPool(2, rngs=r), (1, 4, 4, 2), 0, 0, (4, 4)),
    "stochastic mean": (lambda r: nn.StochasticPool(2, deterministic=True), (1, 4, 4, 2), 0, 0, (4, 4)),
    "argmax": (lambda r: nn.MaxPoolWithArgmax(2), ((1, 4, 4, 2), (1, 4, 4, 2)), 0, 0, (4, 4)),
    "patches": (lambda r: nn.ExtractPatches(3), (1, 6, 6, 18), 0, 0, (5, 5)),
}


def elements(shape):
    return sum(map(elements, shape)) if isinstance(shape[0], tuple) else math.prod(shape)


@pytest.mark.parametrize(("create", "shape", "params", "macs", "sees"), LAYERS.values(), ids=LAYERS.keys())
def test_row_by_hand(create, shape, params, macs, sees):
    model = nnx.eval_shape(lambda: nnx.Sequential(nn.Conv(2, 2, 3, padding=1, rngs=nnx.Rngs(0)), create(nnx.Rngs(1))))
    summary = analysis.summary(model, jax.ShapeDtypeStruct((1, 8, 8, 2), jnp.float32))
    assert summary.error is None
    first, row = summary.rows
    assert (first.params, first.macs, first.receptive_field) == (38, 64 * 9 * 4, (3, 3))
    assert (row.output_shape, row.params, row.macs, row.receptive_field) == (shape, params, macs, sees)
    assert row.activation_bytes == 4 * elements(shape)
    assert summary.total_params == 38 + params


def test_gates_see_the_whole_image():
    model = nnx.eval_shape(lambda: nn.SqueezeExcite(4, reduction=2, rngs=nnx.Rngs(0)))
    rows = analysis.summary(model, jax.ShapeDtypeStruct((1, 8, 6, 4), jnp.float32)).rows
    assert [(row.name, row.output_shape, row.params, row.macs, row.receptive_field) for row in rows] == [
        ("reduce", (1, 2), 10, 8, (8, 6)),
        ("expand", (1, 4), 12, 8, (8, 6)),
    ]
