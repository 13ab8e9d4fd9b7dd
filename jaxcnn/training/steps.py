"""Pure steps: state and arrays in, state and arrays out. Whoever calls them jits them."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Bool, Float, Float32, Num
from numpy.typing import NDArray

from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics, measure
from jaxcnn.training.state import TrainState


def train_step(state: TrainState, batch: Examples) -> tuple[TrainState, Metrics]:
    """One step of the optimizer on the mean cross-entropy of the batch.

    The gradient is taken of `nnx.Param` alone; BatchNorm statistics and dropout counts come back in the new
    state, where `jax.jit` around a stateful module would lose them. The model runs in training mode, whatever
    its modes outside. Optimizers that ask for the loss (`optax.contrib.reduce_on_plateau`) receive it as `value`.

    Args:
      state: parameters, other model state, optimizer state and step.
      batch: images (n, h, w, c), uint8 in 0..255 or floats already scaled; integer labels (n,).

    Returns:
      The state after the step, and sums over the batch, of the logits before the step.
    """
    gradient_of = jax.value_and_grad(_training_loss, argnums=2, has_aux=True)
    (value, (other, metrics)), grads = gradient_of(state, batch, state.params)
    update = optax.with_extra_args_support(state.optimizer).update
    updates, opt_state = update(grads, state.opt_state, state.params, value=value)
    params = optax.apply_updates(state.params, updates)
    return TrainState(params, other, opt_state, state.step + 1, state.graphdef, state.optimizer), metrics


def eval_step(
    graphdef: nnx.GraphDef, variables: Any, batch: Examples, valid: Bool[Array | NDArray, " n"] | None = None
) -> Metrics:
    """Sums over the valid rows of a batch, in evaluation mode; `nnx.split(model)` gives the first two."""
    logits, _ = apply_model(graphdef, variables, batch.images, training=False)
    return measure(cross_entropy(logits, batch.labels), logits, batch.labels, valid)


def predict_step(
    graphdef: nnx.GraphDef, variables: Any, images: Num[Array | NDArray, "n h w c"]
) -> Float32[Array, "n classes"]:
    """Class probabilities: the softmax of the logits, in evaluation mode."""
    logits, _ = apply_model(graphdef, variables, images, training=False)
    return jax.nn.softmax(logits.astype(jnp.float32))


def apply_model(
    graphdef: nnx.GraphDef, variables: Any, images: Num[Array | NDArray, "n h w c"], *, training: bool
) -> tuple[Any, Any]:
    """The model's output, and its variables afterwards; the variables given are left alone."""
    model = nnx.merge(graphdef, variables, copy=True)
    _ = model.train() if training else model.eval()
    return model(scale_images(images)), nnx.state(model)


def scale_images(images: Num[Array | NDArray, "n h w c"]) -> Num[Array | NDArray, "n h w c"]:
    """uint8 in 0..255 to float32 in [0, 1]; floats stay as they are."""
    return jnp.asarray(images, jnp.float32) / 255 if images.dtype == jnp.uint8 else images


def cross_entropy(logits: Float[Array, "n classes"], labels: Num[Array | NDArray, " n"]) -> Float32[Array, " n"]:
    """Softmax cross-entropy in nats, in float32 whatever the model's dtype: half types lose small losses."""
    return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), labels)


def _training_loss(state: TrainState, batch: Examples, params: Any) -> tuple[Float32[Array, ""], tuple[Any, Metrics]]:
    variables = nnx.merge_state(params, state.other)
    logits, after = apply_model(state.graphdef, variables, batch.images, training=True)
    losses = cross_entropy(logits, batch.labels)
    _, other = nnx.split_state(after, nnx.Param, ...)
    return losses.mean(), (other, measure(losses, logits, batch.labels))
