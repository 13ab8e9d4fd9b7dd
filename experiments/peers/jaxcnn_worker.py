"""Our side: the steps that `training.fit` runs, and the operations of `jaxcnn.functional`."""

import functools
import inspect
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import jaxcnn.functional as F
from experiments.peers.images import examples_for, image_bytes, labels
from experiments.peers.jax_operations import KINDS, Operation, repeat_calls
from experiments.peers.protocol import Case, Work, fastest, serve
from jaxcnn import models
from jaxcnn.lowering import onednn
from jaxcnn.training import Examples, create_state, fit, train_step
from jaxcnn.training.chunks import Plan
from jaxcnn.training.compiling import compiling
from jaxcnn.training.examples import take
from jaxcnn.training.metrics import zero_metrics
from jaxcnn.training.programs import compile_programs
from jaxcnn.training.steps import apply_model

CHUNK: int = inspect.signature(fit).parameters["steps_per_execution"].default


def model_of(case: Case) -> nnx.Module:
    """The model that the case names."""
    shape, classes = case["image"], case["classes"]
    return models.create(
        case["model"], input_shape=shape, num_classes=classes, rngs=nnx.Rngs(0), **case.get("options", {})
    )


def resident(case: Case) -> Examples:
    """uint8 images and labels on the device."""
    count, shape = examples_for(case["batch"]), case["image"]
    pixels = np.frombuffer(image_bytes(count * int(np.prod(shape))), np.uint8).reshape(count, *shape)
    return Examples(jnp.asarray(pixels), jnp.asarray(np.array(labels(count, case["classes"]), np.int32)))


class Training:
    """The programs of `fit`, its state donated from call to call."""

    def __init__(self, case: Case):
        self.batch, self.examples = case["batch"], resident(case)
        self.plan = Plan(len(self.examples.labels), self.batch, CHUNK)
        self.state = create_state(model_of(case), optax.rmsprop(1e-3, decay=0.9, eps=1e-7))
        key = jax.random.key(0)
        self.programs, _ = compile_programs(self.plan, self.state, self.examples, key, None)
        self.order = self.programs.order(key, np.int32(0))
        self.steps_a_call = min(CHUNK, self.plan.steps_per_epoch)

    def run(self, steps: int) -> float:
        """`steps` steps in chunks, as an epoch of `fit` takes them, from the first image on."""
        start, total, position = time.perf_counter(), zero_metrics(), 0
        per_epoch, program = self.plan.steps_per_epoch, self.programs.steps[self.batch]
        while steps:
            count = min(steps, CHUNK, per_epoch - position)
            offset = np.int32(position * self.batch)
            self.state, total = program(self.state, total, self.examples, self.order, offset, np.int32(count))
            position, steps = (position + count) % per_epoch, steps - count
        jax.block_until_ready(self.state)
        return time.perf_counter() - start


def step(case: Case) -> Work:
    """Forward, backward and RMSprop, many steps a call."""
    training = Training(case)
    return Work(training.run, f"{training.steps_a_call} steps a call", training.steps_a_call)


def single_step(case: Case) -> Work:
    """The same step outside any loop, compiled alike: a call each."""
    examples = resident(case)
    rows = jnp.arange(case["batch"], dtype=jnp.int32)
    state = create_state(model_of(case), optax.rmsprop(1e-3, decay=0.9, eps=1e-7))
    batch = take(examples, rows)
    with compiling():
        program = jax.jit(train_step, donate_argnums=0).lower(state, batch).compile()

    def run(steps: int) -> float:
        nonlocal state
        start = time.perf_counter()
        for _ in range(steps):
            state, _ = program(state, batch)
        jax.block_until_ready(state)
        return time.perf_counter() - start

    return Work(run)


def forward(case: Case) -> Work:
    """Logits of one batch after another, compiled as `predict` compiles them."""
    graphdef, variables = nnx.split(model_of(case))
    images = resident(case).images[: case["batch"]]
    program = jax.jit(lambda variables, images: apply_model(graphdef, variables, images, training=False)[0])
    with compiling():
        return Work(repeat_calls(program.lower(variables, images).compile(), variables, images))


def convolve(spec: Operation, x: Any, kernel: Any) -> Any:
    """The operation of the case."""
    if spec["operation"] == "conv_transpose":
        options = {name: spec[name] for name in ("strides", "padding", "output_padding")}
        return F.conv_transpose(x, kernel, **options)
    if spec["operation"] == "depthwise_conv":
        return F.depthwise_conv(x, kernel, padding=spec["padding"])
    return F.conv(x, kernel, padding=spec["padding"], data_format=spec.get("data_format", "channels_last"))


def matmul(case: Case) -> Work:
    """A square matrix product, by XLA and, where training runs on it, by oneDNN; the faster kept."""
    a, b = (jax.random.normal(jax.random.key(seed), (case["size"],) * 2) for seed in range(2))
    products = {"XLA": jnp.matmul} | ({"oneDNN": onednn.matmul} if onednn.is_available() else {})
    return fastest(
        {name: (lambda product=product: repeat_calls(jax.jit(product), a, b)) for name, product in products.items()}
    )


if __name__ == "__main__":
    versions = {"jaxcnn": "", "jax": jax.__version__}
    training = {"step": step, "single_step": single_step, "forward": forward}
    operations = {name: functools.partial(prepare, convolve) for name, prepare in KINDS.items()}
    serve(training | operations | {"matmul": matmul}, versions=versions)
