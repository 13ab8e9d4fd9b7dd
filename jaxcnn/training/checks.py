"""What is refused before anything compiles: one sentence each, with the way out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array
from numpy.typing import NDArray

from jaxcnn.training.examples import Examples, LabeledImages
from jaxcnn.training.steps import apply_model
from jaxcnn.training.variables import check_differentiable, check_unchanged, check_values

_NO_JIT = "jax_disable_jit"
PIXEL_RANGE_STARTS = 16  # a float image beyond this, and never negative, was not scaled or standardised


def check_integer(name: str, value: object, *, minimum: int, below: int | None = None) -> int:
    """The value as a Python int; NumPy integers pass, floats and bools do not."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}")
    if value < minimum or (below is not None and value >= below):
        allowed = f"at least {minimum}" if below is None else f"in {minimum}..{below - 1}"
        raise ValueError(f"{name} must be {allowed}, got {value}")
    return int(value)


def check_flag(name: str, value: object) -> bool:
    """The value as a bool; a word such as "no", which Python takes for true, is refused."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_jit() -> None:
    """Training calls compiled programs, which there are none of under `jax.disable_jit`."""
    if getattr(jax.config, _NO_JIT):
        raise ValueError(
            "jax_disable_jit must be off where a model is trained, got True; to look into a step, call the model, or"
            " training.train_step on a training.create_state, under it"
        )


def check_optimizer(optimizer: object) -> None:
    if not isinstance(optimizer, optax.GradientTransformation):
        way_out = "; fit accumulates gradients by accumulate_steps" if isinstance(optimizer, optax.MultiSteps) else ""
        raise TypeError(
            f"optimizer must be an optax.GradientTransformation such as optax.adam(1e-3),"
            f" got {type(optimizer).__name__}{way_out}"
        )


def check_model(model: object) -> None:
    if not isinstance(model, nnx.Module):
        raise TypeError(f"model must be a flax.nnx.Module that returns logits, got {type(model).__name__}")
    try:
        hash(nnx.graphdef(model))
    except TypeError as error:
        raise TypeError(
            f"the static attributes of {type(model).__name__} must be hashable, as for nnx.jit, got {error};"
            " store tuples and frozen dataclasses instead"
        ) from error


def check_examples(name: str, dataset: object) -> Examples:
    """The dataset's images and labels as NumPy arrays."""
    if not isinstance(dataset, LabeledImages):
        way_out = "; wrap arrays as training.Examples(images, labels)"
        way_out = "; training.fit_stream trains on streams" if hasattr(dataset, "__next__") else way_out
        raise TypeError(f"{name} must have the attributes .images and .labels, got {type(dataset).__name__}{way_out}")
    images, labels = check_images(f"{name}.images", dataset.images), _as_labels(name, dataset.labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{name}.labels must be integers, class indices from 0 on, got dtype {labels.dtype};"
            " convert them with .astype(int), one-hot rows with .argmax(-1)"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{name}.labels must be one for each image, of shape ({len(images)},), got shape {labels.shape};"
            " take a column as labels[:, 0], one-hot rows as labels.argmax(-1)"
        )
    return Examples(images, labels)


def _as_labels(name: str, labels: Any) -> NDArray:
    try:
        return np.asarray(labels)
    except ValueError as error:
        raise ValueError(f"{name}.labels must be one integer for each image, got rows of several lengths") from error


def check_images(name: str, images: Any) -> NDArray:
    """The images as a NumPy array (n, h, w, c), uint8 or scaled floats."""
    images = _as_array(name, images)
    if images.ndim != 4 or images.size == 0:
        raise ValueError(
            f"{name} must be a non-empty array of shape (n, height, width, channels), got shape {images.shape};"
            " one image is images[None], and gray ones without channels are images[..., None]"
        )
    if jnp.issubdtype(images.dtype, jnp.floating):
        _check_float_range(name, images)
    elif images.dtype != np.uint8:
        raise ValueError(
            f"{name} must be uint8 in 0..255 or floating and scaled, got dtype {images.dtype}; convert to one of these"
        )
    return images


def _as_array(name: str, images: Any) -> NDArray:
    if isinstance(images, LabeledImages):
        raise TypeError(f"{name} must be an array, got {type(images).__name__}; pass its .images")
    try:
        return np.asarray(images)
    except ValueError as error:
        raise ValueError(f"{name} must be an array of images of one shape, got several; resize them") from error


def _check_float_range(name: str, images: NDArray) -> None:
    low, high = float(images.min()), float(images.max())  # both become NaN where a NaN occurs
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{name} must be finite, got values from {low} to {high}; remove NaN and infinity")
    if low >= 0 and high > PIXEL_RANGE_STARTS:
        raise ValueError(
            f"{name} are floats from {low:g} to {high:g}, but float images must be scaled already:"
            " pass uint8, which the step scales, or divide by 255"
        )


def check_same_shape(train: Examples, validation: Examples) -> None:
    expected, found = train.images.shape[1:], validation.images.shape[1:]
    if found != expected:
        raise ValueError(
            f"validation.images must have the shape of train.images, {expected} an image, got {found};"
            " resize one of the sets"
        )


def check_labels(name: str, examples: Examples, classes: int) -> Examples:
    """The examples with int32 labels, each of which the model has a logit for."""
    labels = np.asarray(examples.labels)
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        index = int(wrong.argmax())
        raise ValueError(
            f"{name}.labels must lie in 0..{classes - 1} for a model of {classes} classes, got {labels[index]}"
            f" at index {index}; recode the labels or give the model more outputs"
        )
    return Examples(examples.images, labels.astype(np.int32))


def count_classes(
    model: nnx.Module,
    images: NDArray | Array,
    batch_size: int,
    *,
    training: bool,
    compute_dtype: np.dtype | None = None,
) -> int:
    """The number of logits the model returns for a batch of such images, found without computing it."""
    batch = jax.ShapeDtypeStruct((batch_size, *images.shape[1:]), jax.dtypes.canonicalize_dtype(images.dtype))
    graphdef, before = nnx.split(model)
    check_values(before)
    if training:
        check_differentiable(before)

    def call(variables: Any, x: Any) -> Any:
        return apply_model(graphdef, variables, x, training=training, compute_dtype=compute_dtype)

    try:
        logits, after = jax.eval_shape(call, before, batch)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the model {type(model).__name__} fails on images of shape {batch.shape}: {_first_line(error)}"
        ) from error
    _check_logits(logits, batch_size)
    if compute_dtype is not None:  # parameters are narrowed for the call, the other variables are not
        before, after = (nnx.split_state(variables, nnx.Param, ...)[1] for variables in (before, after))
    check_unchanged(before, after)
    return logits.shape[1]


def _check_logits(logits: Any, batch_size: int) -> None:
    if not isinstance(logits, jax.ShapeDtypeStruct):
        raise ValueError(f"the model must return one array of logits, got a {type(logits).__name__}")
    if logits.ndim != 2 or logits.shape[0] != batch_size or not jnp.issubdtype(logits.dtype, jnp.floating):
        raise ValueError(
            f"the model must return floating logits of shape (batch, classes), got {logits.dtype} of shape"
            f" {logits.shape} for a batch of {batch_size} images"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
