"""From gradients to new parameters: at once, or after several batches."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Float32

from jaxcnn.training.state import Pending, TrainState


def updated(
    state: TrainState, grads: Any, loss: Float[Array, ""], examples: int, last: Bool[Array | np.bool_, ""] | bool
) -> dict[str, Any]:
    """The fields of the state that an optimizer's step changes.

    Args:
      state: before the step.
      grads: of the mean loss of a batch.
      loss: that mean.
      examples: the size of the batch, its weight where gradients accumulate.
      last: whether the batch completes an update.
    """
    if state.pending is None:
        return _apply(state, grads, loss)
    total = _accumulate(state.pending, grads, loss, examples)
    return jax.lax.cond(last, _release, _hold, state, total)


def _apply(state: TrainState, grads: Any, loss: Float[Array, ""]) -> dict[str, Any]:
    update = optax.with_extra_args_support(state.optimizer).update
    try:
        updates, opt_state = update(grads, state.opt_state, state.params, value=loss)
    except TypeError as error:
        raise TypeError(
            "optimizer must need no more than gradients, parameters and the loss (`value`), as optax.lbfgs() does with"
            f" its line search, got one that fails: {error}; choose another, such as optax.adam(1e-3)"
        ) from error
    params = optax.apply_updates(state.params, updates)
    return {"params": params, "opt_state": opt_state, "ema": _average(state, params)}


def _average(state: TrainState, params: Any) -> Any:
    """The moving average after new parameters, in float32 where they are narrower."""
    if state.options.ema is None:
        return None
    return optax.incremental_update(params, state.ema, 1 - state.options.ema)


def _accumulate(pending: Pending, grads: Any, loss: Float[Array, ""], examples: int) -> Pending:
    weight = jnp.float32(examples)
    summed = jax.tree.map(lambda total, grad: total + weight * grad, pending.grads, grads)
    return Pending(summed, pending.loss + weight * loss, pending.examples + weight)


def _release(state: TrainState, total: Pending) -> dict[str, Any]:
    """The update on the mean over all examples since the last one."""

    def mean(leaf: Float32[Array, "..."], like: Float[Array, "..."]) -> Float[Array, "..."]:
        return (leaf / total.examples).astype(like.dtype)

    grads = jax.tree.map(mean, total.grads, state.params)
    changed = _apply(state, grads, total.loss / total.examples)
    return changed | {"pending": jax.tree.map(jnp.zeros_like, total)}


def _hold(state: TrainState, total: Pending) -> dict[str, Any]:
    return {"params": state.params, "opt_state": state.opt_state, "ema": state.ema, "pending": total}
