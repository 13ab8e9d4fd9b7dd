"""Plain JAX: the same layers of Flax NNX on lax, with the step that Flax's MNIST example writes, one step a call."""

import functools
import math
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax

from experiments.bench.models import shape_after
from experiments.peers.images import examples_for, image_bytes, labels, offsets
from experiments.peers.jax_operations import KINDS, Operation, repeat_calls
from experiments.peers.protocol import Case, Work, serve

ACTIVATIONS: dict[str, Callable] = {"": lambda x: x, "relu": nnx.relu, "swish": nnx.swish}


class Model(nnx.Module):
    """The layers of a case, in order."""

    def __init__(self, case: Case, rngs: nnx.Rngs):
        self.specs = nnx.static(tuple(tuple(sorted(layer.items())) for layer in case["layers"]))
        layers, shape = [], tuple(case["image"])
        for spec in case["layers"]:
            layers.append(layer_of(spec, shape, rngs))
            shape = shape_after(spec, shape)
        self.layers = nnx.List(layers)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Images to logits."""
        for items, layer in zip(self.specs, self.layers, strict=True):
            x = applied(dict(items), layer, x)
        return x


def layer_of(spec: dict[str, Any], shape: tuple[int, ...], rngs: nnx.Rngs) -> Any:
    """Flax's layer, where it has parameters or random numbers."""
    init = nnx.initializers.glorot_uniform()
    if spec["layer"] == "conv":
        window = (spec["window"],) * 2
        return nnx.Conv(shape[-1], spec["features"], window, padding=spec["padding"], kernel_init=init, rngs=rngs)
    if spec["layer"] == "dense":
        return nnx.Linear(shape[-1], spec["features"], kernel_init=init, rngs=rngs)
    return nnx.Dropout(spec["rate"], rngs=rngs) if spec["layer"] == "dropout" else None


def applied(spec: dict[str, Any], layer: Any, x: jax.Array) -> jax.Array:
    """`x` behind a layer."""
    if spec["layer"] == "max_pool":
        return nnx.max_pool(x, (spec["window"],) * 2, strides=(spec["window"],) * 2)
    if spec["layer"] == "flatten":
        return x.reshape(x.shape[0], -1)
    return ACTIVATIONS[spec.get("activation", "")](layer(x))


def loss_fn(model: Model, images: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy, and the logits."""
    logits = model(images)
    return optax.softmax_cross_entropy_with_integer_labels(logits, classes).mean(), logits


@nnx.jit
def train_step(
    model: Model, optimizer: nnx.Optimizer, metrics: nnx.MultiMetric, images: jax.Array, classes: jax.Array
) -> None:
    """One step, as https://flax.readthedocs.io/en/stable/mnist_tutorial.html writes it."""
    (loss, logits), grads = nnx.value_and_grad(loss_fn, has_aux=True)(model, images, classes)
    metrics.update(loss=loss, logits=logits, labels=classes)
    optimizer.update(model, grads)


def resident(case: Case) -> tuple[jax.Array, jax.Array]:
    """Images scaled beforehand, and labels."""
    count, shape = examples_for(case["batch"]), case["image"]
    pixels = np.frombuffer(image_bytes(count * math.prod(shape)), np.uint8).reshape(count, *shape)
    return jnp.asarray(pixels, jnp.float32) / 255, jnp.asarray(np.array(labels(count, case["classes"]), np.int32))


def step(case: Case) -> Work:
    """Forward, backward and RMSprop."""
    batch, (images, classes) = case["batch"], resident(case)
    batches = [(images[i : i + batch], classes[i : i + batch]) for i in range(0, len(images), batch)]
    model = Model(case, nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.rmsprop(1e-3, decay=0.9, eps=1e-7), wrt=nnx.Param)
    metrics = nnx.MultiMetric(accuracy=nnx.metrics.Accuracy(), loss=nnx.metrics.Average("loss"))

    def run(steps: int) -> float:
        start = time.perf_counter()
        for offset in offsets(steps, batch):
            train_step(model, optimizer, metrics, *batches[offset // batch])
        jax.block_until_ready(nnx.state(model))
        return time.perf_counter() - start

    return Work(run)


def forward(case: Case) -> Work:
    """Logits of one batch after another."""
    model = Model(case, nnx.Rngs(0))
    model.eval()
    graphdef, variables = nnx.split(model)
    program = jax.jit(lambda variables, images: nnx.merge(graphdef, variables)(images))
    return Work(repeat_calls(program, variables, resident(case)[0][: case["batch"]]))


def convolve(spec: Operation, x: Any, kernel: Any) -> Any:
    """The operation of the case in lax."""
    rank = x.ndim - 2
    if spec["operation"] == "conv_transpose":
        pads = [(k - 1 - spec["padding"], k - 1 - spec["padding"] + spec["output_padding"]) for k in kernel.shape[:-2]]
        return lax.conv_transpose(x, kernel, [spec["strides"]] * rank, pads, transpose_kernel=True)
    first = spec.get("data_format") == "channels_first"
    spatial = "DHW"[-rank:]
    numbers = ("NC" + spatial, spatial + "IO", "NC" + spatial) if first else None
    numbers = numbers or ("N" + spatial + "C", spatial + "IO", "N" + spatial + "C")
    padding = [(spec["padding"],) * 2] * rank if isinstance(spec["padding"], int) else spec["padding"]
    if spec["operation"] == "depthwise_conv":
        kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    groups = x.shape[-1] if spec["operation"] == "depthwise_conv" else 1
    return lax.conv_general_dilated(
        x, kernel, (1,) * rank, padding, dimension_numbers=numbers, feature_group_count=groups
    )


if __name__ == "__main__":
    operations = {name: functools.partial(prepare, convolve) for name, prepare in KINDS.items()}
    packages = {name: version(name) for name in ("jax", "flax")}
    serve({"step": step, "forward": forward} | operations, versions=packages)
