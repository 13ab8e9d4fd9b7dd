"""Pure steps: state and arrays in, state and arrays out. Whoever calls them jits them."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Float32, Num
from numpy.typing import NDArray

from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics, measure
from jaxcnn.training.options import StepOptions
from jaxcnn.training.precision import compute_in
from jaxcnn.training.state import TrainState
from jaxcnn.training.updates import updated


def train_step(
    state: TrainState, batch: Examples, last: Bool[Array | np.bool_, ""] | bool = True
) -> tuple[TrainState, Metrics]:
    """One step of the optimizer on the mean cross-entropy of the batch.

    The gradient is taken of `nnx.Param` alone; BatchNorm statistics and dropout counts come back in the new
    state, where `jax.jit` around a stateful module would lose them. The model runs in training mode, whatever
    its modes outside. Optimizers that ask for the loss (`optax.contrib.reduce_on_plateau`) receive it as `value`.

    Args:
      state: parameters, other model state, optimizer state and step; its options say what else the step does.
      batch: images (n, h, w, c), uint8 in 0..255 or floats already scaled; integer labels (n,).
      last: whether the batch completes an update; counts where the state accumulates gradients.

    Returns:
      The state after the step, and sums over the batch, of the logits before the step.
    """
    gradient_of = jax.value_and_grad(_training_loss, argnums=2, has_aux=True)
    (value, (other, metrics)), grads = gradient_of(state, batch, state.params)
    changed = updated(state, grads, value, len(batch.labels), last)
    return dataclasses.replace(state, other=other, step=state.step + 1, **changed), metrics


def eval_step(
    graphdef: nnx.GraphDef,
    variables: Any,
    batch: Examples,
    valid: Bool[Array | NDArray, " n"] | None = None,
    *,
    compute_dtype: np.dtype | None = None,
) -> Metrics:
    """Sums over the valid rows of a batch, in evaluation mode; `nnx.split(model)` gives the first two."""
    logits, _ = apply_model(graphdef, variables, batch.images, training=False, compute_dtype=compute_dtype)
    return measure(cross_entropy(logits, batch.labels), logits, batch.labels, valid)


def predict_step(
    graphdef: nnx.GraphDef,
    variables: Any,
    images: Num[Array | NDArray, "n h w c"],
    *,
    compute_dtype: np.dtype | None = None,
) -> Float32[Array, "n classes"]:
    """Class probabilities: the softmax of the logits, in evaluation mode."""
    logits, _ = apply_model(graphdef, variables, images, training=False, compute_dtype=compute_dtype)
    return jax.nn.softmax(logits.astype(jnp.float32))


def apply_model(
    graphdef: nnx.GraphDef,
    variables: Any,
    images: Num[Array | NDArray, "n h w c"],
    *,
    training: bool,
    compute_dtype: np.dtype | None = None,
) -> tuple[Any, Any]:
    """The model's output, and its variables afterwards; the variables given are left alone."""
    model = nnx.merge(graphdef, variables, copy=True)
    _ = model.train() if training else model.eval()
    scaled = scale_images(images)
    if compute_dtype is None:
        return model(scaled), nnx.state(model)
    compute_in(model, compute_dtype)
    return model(scaled.astype(compute_dtype)), nnx.state(model)


def scale_images(images: Num[Array | NDArray, "n h w c"]) -> Num[Array | NDArray, "n h w c"]:
    """uint8 in 0..255 to float32 in [0, 1]; floats stay as they are."""
    return jnp.asarray(images, jnp.float32) / 255 if images.dtype == jnp.uint8 else images


def cross_entropy(logits: Float[Array, "n classes"], labels: Num[Array | NDArray, " n"]) -> Float32[Array, " n"]:
    """Softmax cross-entropy in nats, in float32 whatever the model's dtype: half types lose small losses."""
    return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), labels)


def objective(
    logits: Float[Array, "n classes"], labels: Num[Array | NDArray, " n"], options: StepOptions
) -> Float32[Array, " n"]:
    """What training minimises the mean of: the cross-entropy, smoothed and weighted as the options say."""
    share = options.label_smoothing
    losses = _smoothed(logits, labels, share) if share else cross_entropy(logits, labels)
    if options.class_weights is None:
        return losses
    return losses * jnp.asarray(options.class_weights, jnp.float32)[labels]


def _smoothed(
    logits: Float[Array, "n classes"], labels: Num[Array | NDArray, " n"], share: float
) -> Float32[Array, " n"]:
    targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1], dtype=jnp.float32), share)
    return optax.softmax_cross_entropy(logits.astype(jnp.float32), targets)


def _training_loss(state: TrainState, batch: Examples, params: Any) -> tuple[Float32[Array, ""], tuple[Any, Metrics]]:
    variables, dtype = nnx.merge_state(params, state.other), state.options.compute_dtype
    logits, after = apply_model(state.graphdef, variables, batch.images, training=True, compute_dtype=dtype)
    losses = objective(logits, batch.labels, state.options)
    _, other = nnx.split_state(after, nnx.Param, ...)
    return losses.mean(), (other, measure(losses, logits, batch.labels))
