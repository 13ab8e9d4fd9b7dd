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
from experiments.harness.starts import glorot_limit, gradients, kernels, redrawn, start_records
from experiments.harness.statistics import estimate, judge
from jaxcnn.data import Dataset

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
    """Whether zeros let any gradient through, at the start and once the last bias has moved."""
    norms = {variant.model: stuck(variant.build(0), train) for variant in variants if variant.label == "zeros"}
    holds = all(norm == 0 for pair in norms.values() for norm in pair)
    told = ", ".join(f"{model} {before:g} and {after:g}" for model, (before, after) in norms.items())
    return [
        f"From zeros no kernel can ever move: {'holds' if holds else 'does not hold'} (the gradients of all kernels "
        "add up, in absolute value, at the start and once the last bias has moved, to: "
        f"{told}); only the last bias learns, which knows how frequent the classes are."
    ]


def stuck(model: Any, train: Dataset) -> tuple[float, float]:
    """Σ |gradient| of all kernels as the model stands, and after its last bias has moved."""
    before = gradients(model, train)
    bias = getattr(model, list(before)[-1]).bias
    bias[...] = jnp.linspace(-1.0, 1.0, bias.size)
    return _total(before), _total(gradients(model, train))


def _total(slopes: Mapping[str, jax.Array]) -> float:
    return sum(float(abs(slope).sum()) for slope in slopes.values())


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
        f"{results.duration} the seeds' training losses are {spread.text(4)}, from "
        f"{min(losses.values()):.4f} to {max(losses.values()):.4f}, and a lowest point would have one; nor need any "
        "run have come to rest."
    )


if __name__ == "__main__":
    run(main, Config)
