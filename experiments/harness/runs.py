"""One variant of a model, counted, and its runs, trained and tested."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from jaxcnn import models
from jaxcnn.analysis import Row, Summary, summary
from jaxcnn.data import Dataset
from jaxcnn.training import History, evaluate, fit_seeds


class Images(NamedTuple):
    """What a model trains on and is tested on, and what its curves follow where that isn't the test set."""

    train: Dataset
    test: Dataset
    validation: Dataset | None = None


@dataclass(frozen=True)
class Variant:
    """A model and its options, its layers on one image, and how it is trained where that differs from its neighbours.

    Attributes:
      model: its name, which groups variants in tables and pictures.
      options: what sets it apart from other variants of that model, as plain values.
      label: the same for a reader.
      summary: its layers on one image.
      build: seed -> the model with that seed's parameters.
      optimizer: its own; None for the session's.
      images: its own; None for the session's.
    """

    model: str
    options: Mapping[str, Any]
    label: str
    summary: Summary
    build: Callable[[int], nnx.Module]
    optimizer: optax.GradientTransformation | None = None
    images: Images | None = None

    @property
    def receptive_field(self) -> tuple[int, ...] | None:
        """Pixels behind one cell of the last feature map, before the dense layers see everything."""
        maps = [row.receptive_field for row in self.summary.rows if len(row.output_shape or ()) == 4]
        return maps[-1] if maps else None

    @property
    def largest_layer(self) -> Row:
        """The layer with most parameters."""
        return max(self.summary.rows, key=lambda row: row.params)


class Trained(NamedTuple):
    """A variant, its rows, and seed -> its trained model; a run that diverged or didn't train has no model."""

    variant: Variant
    rows: list[dict[str, Any]]
    models: dict[int, nnx.Module]


def count(name: str, options: Mapping[str, Any], label: str, train: Dataset) -> Variant:
    """A variant of a model of `models.MODELS`, for the images and classes of `train`.

    Raises:
      ValueError: for unknown names or options, or images too small for the model.
    """
    return count_built(lambda seed: create(name, options, train, seed=seed), name, options, label, train)


def count_built(
    build: Callable[[int], nnx.Module],
    model: str,
    options: Mapping[str, Any],
    label: str,
    train: Dataset,
    *,
    optimizer: optax.GradientTransformation | None = None,
    images: Images | None = None,
) -> Variant:
    """A variant of any model that `build` makes of a seed, its layers found without allocating them."""
    image = jax.ShapeDtypeStruct((1, *train.images.shape[1:]), jnp.float32)
    layers = summary(nnx.eval_shape(functools.partial(build, 0)), image)
    return Variant(model, options, label, layers, build, optimizer, images)


def create(name: str, options: Mapping[str, Any], train: Dataset, *, seed: int) -> nnx.Module:
    """The model with the parameters of `seed`, for the images and classes of `train`."""
    shape, classes = train.images.shape[1:], len(train.class_names)
    return models.create(name, input_shape=shape, num_classes=classes, rngs=nnx.Rngs(seed), **options)


def runs_of(variant: Variant, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The variant's rows."""
    return [row for row in rows if (row["model"], row["options"]) == (variant.model, variant.options)]


def measurements(runs: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """A measure of the runs that have it."""
    return [run[name] for run in runs if run[name] is not None]


def counts(variant: Variant, train: Dataset, test: Dataset, *, seed: int) -> dict[str, Any]:
    """The part of a row that needs no training; what training finds is None."""
    table = variant.summary
    return {
        "model": variant.model,
        "options": dict(variant.options),
        "label": variant.label,
        "params": table.trainable_params,
        "macs": table.total_macs,
        "activation_bytes": table.total_activation_bytes,
        "receptive_field": variant.receptive_field,
        "seed": seed,
        "train_examples": len(train),
        "test_examples": len(test),
        "data_source": train.source,
        **dict.fromkeys(("test_accuracy", "test_loss", "train_accuracy", "train_loss")),
        **dict.fromkeys(("seconds", "seconds_per_epoch", "compile_seconds", "history", "error")),
    }


def train_and_test(
    variant: Variant,
    images: Images,
    *,
    seeds: Sequence[int],
    epochs: int,
    batch_size: int,
    optimizer: optax.GradientTransformation,
) -> Trained:
    """The variant trained with all seeds, then measured on the whole training set and the test set: a row a seed.

    A run that diverges keeps its counts and says so in "error". Seconds are a run's share where runs overlap.
    """
    train, test, validation = variant.images or images
    rows = [counts(variant, train, test, seed=seed) for seed in seeds]
    if not epochs:
        return Trained(variant, rows, {})
    built = [variant.build(seed) for seed in seeds]
    histories = fit_seeds(
        built,
        train,
        validation=validation or test,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=variant.optimizer or optimizer,
        seeds=seeds,
    )
    unseen = test if validation else None
    runs = list(zip(seeds, rows, built, histories, strict=True))
    rows = [row | measured(model, history, train, unseen) for _, row, model, history in runs]
    return Trained(variant, rows, {seed: model for seed, _, model, history in runs if not history.error})


def measured(model: nnx.Module, history: History, train: Dataset, unseen: Dataset | None = None) -> dict[str, Any]:
    """The part of a row that training finds; `unseen` is the test set where validation took another."""
    if history.error:
        return {"error": history.error}
    return measures(history, evaluate(model, train), None if unseen is None else evaluate(model, unseen))


def measures(
    history: History, on_train: Mapping[str, float], on_test: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """The same of a run that was evaluated; without `on_test` its validation set was the test set."""
    on_test = on_test or {"accuracy": history.val_accuracy[-1], "loss": history.val_loss[-1]}
    return {
        "test_accuracy": on_test["accuracy"],
        "test_loss": on_test["loss"],
        "train_accuracy": on_train["accuracy"],
        "train_loss": on_train["loss"],
        "seconds": sum(history.seconds),
        "seconds_per_epoch": sum(history.seconds) / len(history.seconds),
        "compile_seconds": history.compile_seconds,
        "history": history.to_dict(),
    }
