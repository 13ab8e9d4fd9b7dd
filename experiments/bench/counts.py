"""What the work costs by arithmetic: floating-point operations of steps and of single operations."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxcnn import models
from jaxcnn.analysis import Summary, summary


def layers_of(case: Mapping[str, Any]) -> Summary:
    """The layers of a model's case on one image; nothing is computed."""
    shape, options = tuple(case["image"]), case.get("options", {})
    model = nnx.eval_shape(
        lambda: models.create(
            case["model"], input_shape=shape, num_classes=case["classes"], rngs=nnx.Rngs(0), **options
        )
    )
    return summary(model, jax.ShapeDtypeStruct((1, *shape), jnp.float32))


def forward_flops(macs: int, batch: int) -> int:
    """A multiplication and an addition for each multiply-accumulate."""
    return 2 * macs * batch


def step_flops(macs: int, first_layer_macs: int, batch: int) -> int:
    """Forward, gradient to the kernels and gradient to the inputs, which the first layer doesn't need."""
    return 2 * batch * (3 * macs - first_layer_macs)


def flops_of(case: Mapping[str, Any]) -> int:
    """Floating-point operations of one step of a case, by direct arithmetic; what isn't a product counts nothing."""
    if case["kind"] == "matmul":
        return 2 * case["size"] ** 3
    if case["kind"] in ("operation", "repeated"):
        return operation_flops(case)
    table = layers_of(case)
    if case["kind"] == "forward":
        return forward_flops(table.total_macs, case["batch"])
    first = next(row.macs for row in table.rows if row.macs)
    return step_flops(table.total_macs, first, case["batch"])


def operation_flops(case: Mapping[str, Any]) -> int:
    """Of a convolution: its cells times its taps, as often as the gradients repeat them."""
    passes = {"": 1, "kernel": 2, "both": 3}[case["gradient"]] * case.get("times", 1)
    window, kernel = case["kernel"][:-2], math.prod(case["kernel"])
    if case["operation"] == "conv_transpose":
        cells = math.prod(case["x"][1:-1])
    else:
        spatial = case["x"][2:] if case.get("data_format") == "channels_first" else case["x"][1:-1]
        pads = 2 * case["padding"]
        cells = math.prod(size + pads - w + 1 for size, w in zip(spatial, window, strict=True))
    return 2 * case["x"][0] * cells * kernel * passes
