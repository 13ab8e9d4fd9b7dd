"""A net's initial weights: drawn anew, how they are spread, and how much gradient reaches each layer."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.harness.runs import Variant
from experiments.harness.tables import Records
from jaxcnn.data import Dataset
from jaxcnn.training.steps import cross_entropy, scale_images

LOOKED_AT = 256  # images behind the gradients at the start


def redrawn(model: nnx.Module, init: nnx.Initializer, seed: int) -> nnx.Module:
    """The model with every kernel drawn by `init`; biases stay."""
    rngs = nnx.Rngs(seed)

    def draw(leaf: jax.Array) -> jax.Array:
        return init(rngs.params(), leaf.shape, leaf.dtype) if leaf.ndim > 1 else leaf

    nnx.update(model, jax.tree.map(draw, nnx.state(model, nnx.Param)))
    return model


def kernels(tree: Any) -> dict[str, jax.Array]:
    """Layer -> kernel, of a model's parameters or their gradients, in the layers' order of names."""
    flat = nnx.to_flat_state(tree)
    return {str(path[0]): leaf[...] for path, leaf in flat if path[-1] == "kernel"}


def gradients(model: nnx.Module, train: Dataset) -> dict[str, jax.Array]:
    """Layer -> gradient of the mean cross-entropy of the first images by its kernel."""
    images, labels = scale_images(train.images[:LOOKED_AT]), jnp.asarray(train.labels[:LOOKED_AT])
    return kernels(_gradient(model, images, labels))


@nnx.jit
def _gradient(model: Any, images: Any, labels: jax.Array) -> Any:
    return nnx.grad(lambda net: cross_entropy(net(images), labels).mean())(model)


def glorot_limit(shape: Sequence[int]) -> float:
    """√(6 / (fan in + fan out)) of a kernel (*window, in, out).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    """
    window = math.prod(shape[:-2])
    return math.sqrt(6 / (window * (shape[-2] + shape[-1])))


def start_records(variant: Variant, train: Dataset) -> Records:
    """A line a layer: how its kernel is spread, and how much gradient reaches it."""
    model = variant.build(0)
    found, slopes = kernels(nnx.state(model, nnx.Param)), gradients(model, train)
    return [
        {
            "model": variant.model,
            "start": variant.label,
            "layer": layer,
            "Glorot's limit": f"{glorot_limit(kernel.shape):.4f}",
            "largest |weight|": f"{float(abs(kernel).max()):.4f}",
            "standard deviation": f"{float(kernel.std()):.4f}",
            "norm of the gradient": f"{float(jnp.linalg.norm(slopes[layer].ravel())):.3g}",
        }
        for layer, kernel in found.items()
    ]
