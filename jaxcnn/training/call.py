"""The arguments of `fit` and `fit_seeds`, refused or in the form that training uses."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import optax
from flax import nnx

from jaxcnn.training import checks
from jaxcnn.training.callbacks import Callback
from jaxcnn.training.chunks import Plan
from jaxcnn.training.examples import Examples, LabeledImages


class Call(NamedTuple):
    """What was asked for: whole passes over the examples, cut up by the plan, each followed by validation."""

    epochs: int
    plan: Plan
    examples: Examples
    held_out: Examples | None
    callbacks: tuple[Callback, ...]


def check_call(
    model: nnx.Module,
    train: LabeledImages,
    validation: LabeledImages | None,
    epochs: int,
    batch_size: int,
    optimizer: optax.GradientTransformation,
    steps_per_execution: int,
    callbacks: Sequence[Callback] = (),
) -> Call:
    """The arguments, or the first thing wrong with them; nothing compiles here."""
    checks.check_model(model)
    checks.check_optimizer(optimizer)
    epochs = checks.check_integer("epochs", epochs, minimum=0)
    batch_size = checks.check_integer("batch_size", batch_size, minimum=1)
    steps_per_execution = checks.check_integer("steps_per_execution", steps_per_execution, minimum=1)
    callbacks = check_callbacks(callbacks)
    examples, held_out = _check_data(model, train, validation, batch_size)
    count, observed = len(examples.labels), tuple(sorted({each.every for each in callbacks if each.every is not None}))
    plan = Plan(count, min(batch_size, count), steps_per_execution, observed)
    return Call(epochs, plan, examples, held_out, callbacks)


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
    model: nnx.Module, train: LabeledImages, validation: LabeledImages | None, batch_size: int
) -> tuple[Examples, Examples | None]:
    """Both sets as arrays, or the first thing wrong with them."""
    examples = checks.check_examples("train", train)
    held_out = None if validation is None else checks.check_examples("validation", validation)
    if held_out is not None:
        checks.check_same_shape(examples, held_out)
    classes = checks.count_classes(model, examples.images, min(batch_size, len(examples.labels)), training=True)
    examples = checks.check_labels("train", examples, classes)
    return examples, held_out and checks.check_labels("validation", held_out, classes)
