"""Initial weights: Glorot uniform against zeros, a narrow normal and He, on the lectures' nets.

The claims of the third lecture: `glorot_uniform` draws evenly within ±√(6 / (fan in + fan out)); gradient descent from
a poor start ends in a local minimum, from a good one in the global minimum. All variants have the same net, the same
images and the lecture's plain gradient descent; only the kernels they start with differ.

Run `python -m experiments.initialization`: about a minute on two cores; `--quick` looks at the first net in seconds
and `--epochs 0` at the start alone. Expect zeros to learn nothing at all (every kernel's gradient is exactly 0), a
normal of 0.01 to leave the deeper net where it started, and He, whose weights are larger, a little ahead of Glorot.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.options import Options, check_distinct, check_learning_rate
from experiments.harness.runs import Variant, count_built, create
from experiments.harness.statistics import estimate, judge
from jaxcnn.data import Dataset
from jaxcnn.training.steps import cross_entropy, scale_images

LOOKED_AT = 256  # images behind the gradients at the start
STARTS: dict[str, Callable[[], nnx.Initializer]] = {
    "Glorot uniform": nnx.initializers.glorot_uniform,
    "zeros": nnx.initializers.zeros_init,
    "normal 0.01": lambda: nnx.initializers.normal(0.01),
    "He normal": nnx.initializers.he_normal,
}


@dataclass(frozen=True)
class Config(Options):
    """Initial weights on the lectures' nets."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set; the lecture's is fashion_mnist.")] = "fashion_mnist"
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 3
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    learning_rate: Annotated[float, tyro.conf.arg(help="Of the plain gradient descent.")] = 0.1
    models: Annotated[
        tuple[Literal["simple_cnn", "lenet5", "fashion_cnn", "swish_cnn", "convnet", "mlp"], ...],
        tyro.conf.arg(help="Nets of the lectures to train."),
    ] = ("simple_cnn", "lenet5")
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/initialization"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Draw, train and judge; returns the rows of `result.json`."""
    check_distinct("--models", config.models)
    check_learning_rate(config.learning_rate)
    session = begin("initialization", config)
    models = config.models[:1] if config.quick else config.models
    variants = [start_variant(model, name, session.train) for model in models for name in STARTS]
    results = trained(session, variants, optax.sgd(config.learning_rate))
    lines = [start_records(variant, session.train) for variant in variants]
    findings = [range_sentence(variants), *zero_sentences(variants, session.train)]
    return present(
        results,
        title="Initial weights",
        findings=[*findings, *(judgements(results) if results.trained else [])],
        recipe=f"Recipe: plain gradient descent, learning rate {config.learning_rate:g}; zero biases, cross-entropy.",
        tables={"The start: kernels and gradients": [line for group in lines for line in group]},
        differ_in_size=False,
    )


def start_variant(model: str, name: str, train: Dataset) -> Variant:
    """The model with its kernels drawn anew."""

    def build(seed: int) -> nnx.Module:
        return redrawn(create(model, {}, train, seed=seed), STARTS[name](), seed)

    return count_built(build, model, {"kernel_init": name}, name, train)


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


def start_records(variant: Variant, train: Dataset) -> list[dict[str, str]]:
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


def range_sentence(variants: Sequence[Variant]) -> str:
    """Whether Glorot's kernels stay within his limit and fill it evenly."""
    nets = [variant.build(0) for variant in variants if variant.label == "Glorot uniform"]
    drawn = [kernel for net in nets for kernel in kernels(nnx.state(net, nnx.Param)).values()]
    reach = [float(abs(kernel).max()) / glorot_limit(kernel.shape) for kernel in drawn]
    # An even distribution within ±L has a standard deviation of L/√3.
    pooled = np.concatenate([np.ravel(kernel) / glorot_limit(kernel.shape) for kernel in drawn])
    holds = max(reach) <= 1 and abs(pooled.std() * math.sqrt(3) - 1) < 0.02
    return (
        f"glorot_uniform draws evenly within ±√(6 / (fan in + fan out)): {'holds' if holds else 'does not hold'} (the "
        f"largest weight of each kernel lies at {min(reach):.3f} to {max(reach):.3f} of that limit, and the standard "
        f"deviation is {pooled.std() * math.sqrt(3):.3f} times that of an even distribution)."
    )


def zero_sentences(variants: Sequence[Variant], train: Dataset) -> list[str]:
    """Whether zeros let any gradient through."""
    norms = {
        variant.model: sum(float(abs(slope).sum()) for slope in gradients(variant.build(0), train).values())
        for variant in variants
        if variant.label == "zeros"
    }
    stuck = all(norm == 0 for norm in norms.values())
    told = ", ".join(f"{model} {norm:g}" for model, norm in norms.items())
    return [
        f"From zeros no kernel can ever move: {'holds' if stuck else 'does not hold'} (the gradients of all kernels "
        f"add up, in absolute value, to: {told}); only the last bias learns, which knows how frequent the classes are."
    ]


def judgements(results: Results) -> list[str]:
    """Glorot against each other start, model by model; and whether its runs end in one lowest point."""
    sentences = []
    for model in dict.fromkeys(variant.model for variant in results.variants):
        glorot, *others = [variant for variant in results.variants if variant.model == model]
        sentences += [
            judge(
                f"{model} recognises more from Glorot uniform than from {other.label}",
                "test accuracy, the first minus the second",
                results.gain(glorot, other),
            )
            for other in others
        ]
        sentences.append(lowest_point(results, glorot))
    return sentences


def lowest_point(results: Results, glorot: Variant) -> str:
    """Whether runs from a good start end at the same training loss, as they would in a global minimum."""
    losses = results.values(glorot, "train_loss")
    if len(losses) < 2:
        return f"{glorot.model}: a good start ends in the global minimum: not judged, as it takes two seeds."
    spread = estimate(list(losses.values()))
    same = max(losses.values()) - min(losses.values()) < 1e-3
    return (
        f"{glorot.model}: a good start ends in the global minimum: {'not refuted' if same else 'not confirmed'}; after "
        f"{results.session.options.epochs} epochs the seeds' training losses are {spread.text(4)}, from "
        f"{min(losses.values()):.4f} to {max(losses.values()):.4f}, and a lowest point would have one."
    )


if __name__ == "__main__":
    run(main, Config)
