"""The arguments of `fit` and `fit_seeds`, refused or in the form that training uses."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import optax
from flax import nnx

from jaxcnn.training import checks
from jaxcnn.training.callbacks import Callback
from jaxcnn.training.chunks import Plan
from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.options import NO_OPTIONS, StepOptions, check_class_weights, check_compute_dtype, check_fraction


class Call(NamedTuple):
    """What was asked for: whole passes over the examples, cut up by the plan, each followed by validation."""

    epochs: int
    plan: Plan
    examples: Examples
    held_out: Examples | None
    options: StepOptions


def check_call(
    model: nnx.Module,
    train: LabeledImages,
    validation: LabeledImages | None,
    epochs: int,
    batch_size: int,
    optimizer: optax.GradientTransformation,
    steps_per_execution: int,
    options: StepOptions = NO_OPTIONS,
    class_weights: object = None,
    callbacks: Sequence[Callback] = (),
) -> Call:
    """The arguments, or the first thing wrong with them; nothing compiles here."""
    checks.check_model(model)
    checks.check_optimizer(optimizer)
    epochs = checks.check_integer("epochs", epochs, minimum=0)
    batch_size = checks.check_integer("batch_size", batch_size, minimum=1)
    steps_per_execution = checks.check_integer("steps_per_execution", steps_per_execution, minimum=1)
    examples, held_out, classes = _check_data(model, train, validation, batch_size, options)
    options = dataclasses.replace(options, class_weights=check_class_weights(class_weights, classes))
    count = len(examples.labels)
    plan = Plan(count, min(batch_size, count), steps_per_execution, observed_steps(callbacks))
    return Call(epochs, plan, examples, held_out, options)


def check_options(label_smoothing: object, ema: object, compute_dtype: Any, accumulate_steps: object) -> StepOptions:
    """The options of a step in the form that training uses; class weights must wait for the number of classes."""
    return StepOptions(
        label_smoothing=check_fraction("label_smoothing", label_smoothing),
        ema=None if ema is None else check_fraction("ema", ema),
        compute_dtype=check_compute_dtype(compute_dtype),
        accumulate_steps=checks.check_integer("accumulate_steps", accumulate_steps, minimum=1),
    )


def check_callbacks(callbacks: object) -> tuple[Callback, ...]:
    """The callbacks as a tuple; `every` of each is a number of steps or None."""
    if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks must be a sequence of training.Callback, got {type(callbacks).__name__}")
    found = tuple(callbacks)
    for index, callback in enumerate(found):
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks[{index}] must be a training.Callback, got {type(callback).__name__}; derive its class"
                " from that one"
            )
        if callback.every is not None:
            checks.check_integer(f"callbacks[{index}].every", callback.every, minimum=1)
    return found


def observed_steps(callbacks: Sequence[Callback]) -> tuple[int, ...]:
    """What the callbacks ask for by `every`, each number once."""
    return tuple(sorted({each.every for each in callbacks if each.every is not None}))


def check_callbacks_of_all(callbacks: object, models: int) -> list[tuple[Callback, ...]]:
    """The callbacks of each model, one sequence a model or none for all; no object serves two runs."""
    if not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks must be a sequence with a sequence for each model, got {type(callbacks).__name__}")
    if len(callbacks) not in (0, models):
        raise ValueError(f"callbacks must be one sequence for each model, {models}, or none, got {len(callbacks)}")
    for index, each in enumerate(callbacks):
        if isinstance(each, Callback):
            raise TypeError(
                f"callbacks[{index}] must be a sequence with the callbacks of models[{index}], got"
                f" {type(each).__name__} itself; wrap it in a list"
            )
    found = [check_callbacks(each) for each in callbacks] or [() for _ in range(models)]
    every = [callback for each in found for callback in each]
    if len(set(map(id, every))) < len(every):
        raise ValueError("callbacks must be objects of their own for each model, got one twice; construct one for each")
    return found


def check_seed(seed: object) -> int:
    return checks.check_integer("seed", seed, minimum=0, below=2**32)


def check_seeds(seeds: object, models: int) -> list[int]:
    """One seed a model."""
    if not isinstance(seeds, Iterable):
        raise TypeError(f"seeds must be a sequence of integers, one for each model, got {type(seeds).__name__}")
    found = [check_seed(seed) for seed in seeds]
    if len(found) != models:
        raise ValueError(f"seeds must be one for each model, {models}, got {len(found)}; add or leave out some")
    return found


def _check_data(
    model: nnx.Module,
    train: LabeledImages,
    validation: LabeledImages | None,
    batch_size: int,
    options: StepOptions,
) -> tuple[Examples, Examples | None, int]:
    """Both sets as arrays and the number of classes, or the first thing wrong with them."""
    examples = checks.check_examples("train", train)
    held_out = None if validation is None else checks.check_examples("validation", validation)
    if held_out is not None:
        checks.check_same_shape(examples, held_out)
    size, dtype = min(batch_size, len(examples.labels)), options.compute_dtype
    classes = checks.count_classes(model, examples.images, size, training=True, compute_dtype=dtype)
    examples = checks.check_labels("train", examples, classes)
    return examples, held_out and checks.check_labels("validation", held_out, classes), classes
