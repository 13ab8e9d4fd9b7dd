"""Loss, accuracy and probabilities of a model as it stands, without changing it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float32, Shaped
from numpy.typing import NDArray

from jaxcnn.training import checks
from jaxcnn.training.compiling import Program, compiling
from jaxcnn.training.examples import Examples, LabeledImages, evaluation_batches, padded_slices
from jaxcnn.training.metrics import Metrics, add_metrics, mean_metrics, zero_metrics
from jaxcnn.training.options import check_compute_dtype
from jaxcnn.training.state import TrainState, variables_of
from jaxcnn.training.steps import eval_step, predict_step

EVALUATION_BATCH_SIZE = 256


def evaluate(
    model: nnx.Module,
    dataset: LabeledImages,
    *,
    batch_size: int = EVALUATION_BATCH_SIZE,
    compute_dtype: jax.typing.DTypeLike | None = None,
) -> dict[str, float]:
    """Mean cross-entropy and accuracy of the model on a dataset.

    The model runs in evaluation mode (running BatchNorm statistics, no dropout); its modes and its state stay as
    they are. The batch size changes memory and speed, not the result beyond rounding.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      dataset: anything with `.images` (n, h, w, c), uint8 or scaled floats, and integer `.labels` (n,).
      batch_size: examples a step; more than the set means the whole set at once.
      compute_dtype: as for `fit`.

    Returns:
      `{"loss": nats per example, "accuracy": fraction in 0..1}`, Python floats.

    Raises:
      TypeError: the model is no NNX module, the dataset has no images or labels, or `batch_size` is no integer.
      ValueError: images, labels, model and batch size do not fit each other; the message says which and how.
    """
    checks.check_model(model)
    size = checks.check_integer("batch_size", batch_size, minimum=1)
    examples = checks.check_examples("dataset", dataset)
    size, dtype = min(size, len(examples.labels)), check_compute_dtype(compute_dtype)
    classes = checks.count_classes(model, examples.images, size, training=False, compute_dtype=dtype)
    examples = checks.check_labels("dataset", examples, classes)
    graphdef, variables = nnx.split(model)

    def program(variables, total, batch, valid):
        with compiling():
            return _jitted_evaluation(graphdef, variables, total, batch, valid, compute_dtype=dtype)

    return mean_metrics(sum_batches(program, variables, evaluation_batches(examples, size)))


def predict(
    model: nnx.Module,
    images: Shaped[NDArray | Array, "..."],
    *,
    batch_size: int = EVALUATION_BATCH_SIZE,
    compute_dtype: jax.typing.DTypeLike | None = None,
) -> Float32[Array, "n num_classes"]:
    """Class probabilities of images: the softmax of the model's logits, in evaluation mode.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      images: (n, h, w, c), uint8 in 0..255 or scaled floats.
      batch_size: images a step; more than there are means all at once.
      compute_dtype: as for `fit`.

    Returns:
      Probabilities (n, num_classes), float32; each row sums to 1.

    Raises:
      TypeError: the model is not an NNX module, or `batch_size` is not an integer.
      ValueError: the images have the wrong rank, dtype or range, or the model does not take them.
    """
    checks.check_model(model)
    size = checks.check_integer("batch_size", batch_size, minimum=1)
    array = checks.check_images("images", images)
    size, dtype = min(size, len(array)), check_compute_dtype(compute_dtype)
    checks.count_classes(model, array, size, training=False, compute_dtype=dtype)
    graphdef, variables = nnx.split(model)
    with compiling():
        parts = [
            _jitted_prediction(graphdef, variables, jnp.asarray(part), compute_dtype=dtype)
            for part in padded_slices(array, size)
        ]
    return jnp.concatenate(parts)[: len(array)]


def accumulate_metrics(
    graphdef: nnx.GraphDef,
    variables: Any,
    total: Metrics,
    batch: Examples,
    valid: Bool[NDArray | Array, " n"],
    *,
    compute_dtype: np.dtype | None = None,
) -> Metrics:
    """The sums so far, and those of one more batch."""
    return add_metrics(total, eval_step(graphdef, variables, batch, valid, compute_dtype=compute_dtype))


def sum_batches(program: Callable[..., Metrics], variables: Any, batches: Iterable[tuple[Examples, Array]]) -> Metrics:
    """The sums over all batches, by a program that is `accumulate_metrics` of one model, compiled."""
    total = jax.device_put(zero_metrics())
    for batch, valid in batches:
        total = program(variables, total, batch, valid)
    return total


def evaluation_program(
    worker: ThreadPoolExecutor, state: TrainState, batch: Examples, valid: Bool[Array, " n"]
) -> Program:
    """`accumulate_metrics` of the state's model compiled ahead of time for batches of this shape."""
    args = (state.graphdef, jax.eval_shape(variables_of, state), zero_metrics(), batch, valid)
    return Program(worker, _jitted_evaluation, *args, compute_dtype=state.options.compute_dtype)


_jitted_evaluation = jax.jit(accumulate_metrics, static_argnums=0, static_argnames="compute_dtype")
_jitted_prediction = jax.jit(predict_step, static_argnums=0, static_argnames="compute_dtype")
