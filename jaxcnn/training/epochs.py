"""One epoch: train, keep the result, validate."""

import math
from collections.abc import Callable

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Key

from jaxcnn.training.chunks import Plan
from jaxcnn.training.evaluation import sum_batches
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics, mean_metrics, zero_metrics
from jaxcnn.training.programs import Programs
from jaxcnn.training.progress import Silent
from jaxcnn.training.state import TrainState, variables_of


def train_epoch(
    programs: Programs,
    plan: Plan,
    epoch: int,
    state: TrainState,
    examples: Examples,
    key: Key[Array, ""],
    report: Silent,
    clock: Callable[[], float],
) -> tuple[TrainState, dict[str, float]]:
    """One epoch; the host looks at a chunk's sums while the device works on the next one."""
    start = clock()
    order = programs.order(key, jax.device_put(np.int32(epoch)))
    total, earlier = jax.device_put(zero_metrics()), None
    for chunk in plan.chunks(epoch):
        step = programs.steps[chunk.batch_size]
        where = jax.device_put((np.int32(chunk.offset), np.int32(chunk.steps)))
        state, total = step(state, total, examples, order, *where)
        if earlier is not None:
            means = finite_means(earlier, epoch)
            report.advance(epoch, means, int(jax.device_get(earlier.examples)), clock() - start)
        earlier = total
    jax.block_until_ready(state)
    return state, {**finite_means(total, epoch), "seconds": clock() - start}


def finite_means(sums: Metrics, epoch: int) -> dict[str, float]:
    """Loss and accuracy per example, or what broke them."""
    means = mean_metrics(sums)
    if not math.isfinite(means["loss"]):
        raise FloatingPointError(_broken("loss", f"became {means['loss']}", epoch))
    return means


def keep(model: nnx.Module, snapshot: Callable, state: TrainState, epoch: int) -> None:
    """Gives the model copies: the next epoch's first call takes the state's own buffers."""
    variables, finite = snapshot(state)
    if not jax.device_get(finite):
        raise FloatingPointError(_broken("parameters", "became NaN or infinite", epoch))
    nnx.update(model, *variables)


def _broken(what: str, how: str, epoch: int) -> str:
    return (
        f"the {what} {how} in epoch {epoch + 1}; the model keeps its state from before that epoch:"
        " lower the learning rate, or look for broken images"
    )


def validate(evaluation: Callable | None, state: TrainState, batches: list[tuple[Examples, Array]]) -> dict[str, float]:
    """val_loss and val_accuracy, or nothing without a validation set."""
    if evaluation is None:
        return {}
    means = mean_metrics(sum_batches(evaluation, variables_of(state), batches))
    return {f"val_{name}": value for name, value in means.items()}
