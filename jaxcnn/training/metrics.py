"""Sums of loss and correct answers, from which example-weighted means follow."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int, Int32
from numpy.typing import NDArray


class Metrics(NamedTuple):
    """Sums over examples, not means: batches of unequal size add up to the true mean of an epoch.

    Attributes:
      loss: sum of the losses.
      correct: examples that were classified correctly.
      examples: examples seen.
      sound: of these, the ones before the first batch that made the loss NaN or infinite; `examples` where none did.
    """

    loss: Float32[Array | np.float32, ""]
    correct: Int32[Array | np.int32, ""]
    examples: Int32[Array | np.int32, ""]
    sound: Int32[Array | np.int32, ""]


def zero_metrics() -> Metrics:
    """The sums over no examples."""
    return Metrics(np.float32(0), np.int32(0), np.int32(0), np.int32(0))


def measure(
    losses: Float[Array, " n"],
    logits: Float[Array, "n classes"],
    labels: Int[Array | NDArray, " n"],
    valid: Bool[Array | NDArray, " n"] | None = None,
) -> Metrics:
    """Sums over the valid examples of a batch; padding carries no weight."""
    counted = jnp.ones(labels.shape, bool) if valid is None else jnp.asarray(valid)
    correct = counted & (logits.argmax(-1) == labels)
    loss, right, examples = jnp.where(counted, losses, 0).sum(), *(m.sum(dtype=jnp.int32) for m in (correct, counted))
    return Metrics(loss, right, examples, jnp.where(jnp.isfinite(loss), examples, 0))


def add_metrics(left: Metrics, right: Metrics) -> Metrics:
    """The sums over both, the right one a batch that comes after the left."""
    total = Metrics(*map(jnp.add, left, right))
    return total._replace(sound=jnp.where(jnp.isfinite(total.loss), total.examples, left.sound))


def mean_metrics(sums: Metrics) -> dict[str, float]:
    """Loss and accuracy per example, as Python floats; waits for the device."""
    loss, correct, examples, _ = jax.device_get(sums)
    return {"loss": float(loss) / int(examples), "accuracy": int(correct) / int(examples)}
