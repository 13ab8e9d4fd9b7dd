"""One variant of a model, counted, and its runs, trained and tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from jaxcnn import models
from jaxcnn.analysis import Row, Summary, summary
from jaxcnn.data import Dataset
from jaxcnn.training import History, evaluate, fit_seeds


@dataclass(frozen=True)
class Variant:
    """A model and its options, and its layers on one image."""

    model: str
    options: Mapping[str, Any]
    label: str
    summary: Summary

    @property
    def receptive_field(self) -> tuple[int, ...] | None:
        """Pixels behind one cell of the last feature map, before the dense layers see everything."""
        maps = [row.receptive_field for row in self.summary.rows if len(row.output_shape or ()) == 4]
        return maps[-1] if maps else None

    @property
    def largest_layer(self) -> Row:
        """The layer with most parameters."""
        return max(self.summary.rows, key=lambda row: row.params)


def count(name: str, options: Mapping[str, Any], label: str, train: Dataset) -> Variant:
    """The variant's layers for the images of `train`, without allocating them; `label` names it in tables and pictures.

    Raises:
      ValueError: for unknown names or options, or images too small for the model.
    """
    model = nnx.eval_shape(lambda: create(name, options, train, seed=0))
    return Variant(
        name, options, label, summary(model, jax.ShapeDtypeStruct((1, *train.images.shape[1:]), jnp.float32))
    )


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
    train: Dataset,
    test: Dataset,
    *,
    seeds: Sequence[int],
    epochs: int,
    batch_size: int,
    optimizer: optax.GradientTransformation,
) -> list[dict[str, Any]]:
    """A row a seed: the variant trained with all of them, then measured on the whole training set and the test set.

    A run that diverges keeps its counts and says so in "error". Seconds are a run's share where runs overlap.
    """
    rows = [counts(variant, train, test, seed=seed) for seed in seeds]
    if not epochs:
        return rows
    built = [create(variant.model, variant.options, train, seed=seed) for seed in seeds]
    histories = fit_seeds(
        built, train, validation=test, epochs=epochs, batch_size=batch_size, optimizer=optimizer, seeds=seeds
    )
    return [row | measured(model, history, train) for row, model, history in zip(rows, built, histories, strict=True)]


def measured(model: nnx.Module, history: History, train: Dataset) -> dict[str, Any]:
    """The part of a row that training finds."""
    if history.error:
        return {"error": history.error}
    on_train = evaluate(model, train)
    return {
        "test_accuracy": history.val_accuracy[-1],
        "test_loss": history.val_loss[-1],
        "train_accuracy": on_train["accuracy"],
        "train_loss": on_train["loss"],
        "seconds": sum(history.seconds),
        "seconds_per_epoch": sum(history.seconds) / len(history.seconds),
        "compile_seconds": history.compile_seconds,
        "history": history.to_dict(),
    }
