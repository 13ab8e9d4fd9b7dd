"""Optimizers: gradient descent, momentum, RMSprop and Adam on the lectures' nets.

The claims of the third lecture: TensorFlow's optimizers let one change the algorithm in a word; Adam lowers the
learning rate as the loss comes near its optimum, so that the loss settles. Each optimizer has Keras's defaults.

Run `python -m experiments.optimizers`: about a minute and a half on two cores; `--quick` looks at the first net in
seconds and `--epochs 0` only counts and draws. Expect plain gradient descent far behind after a few epochs, with lenet5
still at its start in some runs, so that the intervals of its differences are wide, and RMSprop and Adam ahead. Adam's
learning rate never changes; how its steps develop is measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from jaxtyping import Array, Float

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.options import Options, check_distinct
from experiments.harness.recipes import ADAM, RMSPROP, START, adam, rmsprop
from experiments.harness.results import write_picture
from experiments.harness.runs import Variant, count_built, create
from experiments.harness.statistics import Estimate, band, estimate, judge
from jaxcnn.data import Dataset
from jaxcnn.training import Examples, TrainState, create_state, train_step
from jaxcnn.visualization import Curve, Section, curves

PARTS = 10  # of a run, over which its steps are averaged


@dataclass(frozen=True)
class Config(Options):
    """Optimizers on the lectures' nets."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set; the lecture's is fashion_mnist.")] = "fashion_mnist"
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 3
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    models: Annotated[
        tuple[Literal["simple_cnn", "lenet5", "fashion_cnn", "swish_cnn", "convnet", "mlp"], ...],
        tyro.conf.arg(help="Nets of the lectures to train."),
    ] = ("simple_cnn", "lenet5")
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/optimizers"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Count, train and judge; returns the rows of `result.json`."""
    check_distinct("--models", config.models)
    session = begin("optimizers", config)
    algorithms = optimizers()
    models = config.models[:1] if config.quick else config.models
    variants = [
        optimizer_variant(model, name, algorithm, session.train)
        for model in models
        for name, algorithm in algorithms.items()
    ]
    results = trained(session, variants, algorithms["SGD"])
    findings, sections = [], []
    if results.trained:
        followed = {v.label: steps_of(results, v) for v in variants[: len(algorithms)]}
        findings = [*judgements(results), *adam_sentences(followed)]
        sections = [steps_section(session.folder, config.models[0], followed)]
    recipe = f"Recipe: SGD 0.01, the same with momentum 0.9, {RMSPROP}, {ADAM}; {START}"
    return present(
        results, title="Optimizers", findings=findings, recipe=recipe, sections=sections, differ_in_size=False
    )


def optimizers() -> dict[str, optax.GradientTransformation]:
    """Name -> optimizer, with Keras's defaults."""
    return {
        "SGD": optax.sgd(0.01),
        "momentum 0.9": optax.sgd(0.01, momentum=0.9),
        "RMSprop": rmsprop(),
        "Adam": adam(),
    }


def optimizer_variant(model: str, name: str, optimizer: optax.GradientTransformation, train: Dataset) -> Variant:
    """The model with an optimizer of its own."""
    options = {"optimizer": name}
    return count_built(
        lambda seed: create(model, {}, train, seed=seed), model, options, name, train, optimizer=optimizer
    )


def judgements(results: Results) -> list[str]:
    """Each optimizer against plain gradient descent, and Adam against RMSprop, model by model."""
    sentences = []
    for model in dict.fromkeys(variant.model for variant in results.variants):
        plain, *others = [variant for variant in results.variants if variant.model == model]
        pairs = [*((other, plain) for other in others), (others[-1], others[-2])]
        sentences += [
            judge(
                f"{model} recognises more with {first.label} than with {second.label}",
                f"test accuracy after {results.duration}, the first minus the second",
                results.gain(first, second),
            )
            for first, second in pairs
        ]
    return sentences


def steps_of(results: Results, variant: Variant) -> list[Estimate]:
    """How far one step moves the parameters, averaged over each tenth of a run, over the seeds."""
    session = results.session
    assert variant.optimizer is not None
    runs = [
        step_lengths(
            create_state(variant.build(seed), variant.optimizer),
            session.train,
            steps=session.options.epochs * (len(session.train) // min(session.options.batch_size, len(session.train))),
            batch_size=min(session.options.batch_size, len(session.train)),
            seed=seed,
        )
        for seed in range(session.options.seeds)
    ]
    parts = [[float(part.mean()) for part in np.array_split(lengths, min(PARTS, len(lengths)))] for lengths in runs]
    return [estimate(values) for values in zip(*parts, strict=True)]


def step_lengths(
    state: TrainState, train: Dataset, *, steps: int, batch_size: int, seed: int
) -> Float[np.ndarray, " steps"]:
    """The Euclidean length of each of `steps` updates of all parameters together."""
    rng = np.random.default_rng(seed)
    passes = -(-steps * batch_size // len(train))
    order = np.concatenate([rng.permutation(len(train)) for _ in range(passes)])[: steps * batch_size]
    chosen = order.reshape(steps, batch_size)
    images, labels = jnp.asarray(train.images), jnp.asarray(train.labels)
    return np.asarray(_lengths(state, images, labels, jnp.asarray(chosen)))


@jax.jit
def _lengths(state: TrainState, images: Array, labels: Array, chosen: Array) -> Array:
    def one(state: TrainState, rows: Array) -> tuple[TrainState, Array]:
        after, _ = train_step(state, Examples(images[rows], labels[rows]))
        return after, optax.tree_utils.tree_norm(jax.tree.map(jnp.subtract, after.params, state.params))

    return jax.lax.scan(one, state, chosen)[1]


def adam_sentences(followed: Mapping[str, Sequence[Estimate]]) -> list[str]:
    """Whether Adam's steps get shorter, and whether that is Adam's doing."""
    told = {name: f"{parts[-1].mean / parts[0].mean:.2f}" for name, parts in followed.items() if parts[0].mean}
    shorter = float(told["Adam"]) < 1
    return [
        "Adam lowers the learning rate near the optimum: the rate itself, no: it stays 0.001 in every step, and what "
        f"varies is the ratio of Adam's two averages of gradients. Its steps {'do' if shorter else 'do not'} get "
        f"shorter: the last tenth's are {told['Adam']} times as long as the first tenth's (the others': "
        f"{', '.join(f'{name} {ratio}' for name, ratio in told.items() if name != 'Adam')})."
    ]


def steps_section(folder: Path, model: str, followed: Mapping[str, Sequence[Estimate]]) -> Section:
    """The lengths of the steps over the run."""
    lines = [Curve(model, name, [p.mean for p in parts], False, *band(parts, 0.0)) for name, parts in followed.items()]
    figure = curves(
        lines,
        title="How far one step moves the parameters",
        ylabel="Euclidean length of a step",
        xlabel="tenth of the run",
        solid_label="mean of the steps",
    )
    alt = "Lines: the length of the steps of each optimizer over the run."
    told = "One step changes every parameter; this is the length of that change, averaged over each tenth of the run."
    return Section("The steps", [told, write_picture(folder, "steps", figure, alt)])


if __name__ == "__main__":
    run(main, Config)
