"""One epoch: train, keep the result, validate."""

import math
from collections.abc import Callable, Sequence

import jax
from flax import nnx
from jaxtyping import Array

from jaxcnn.training.callbacks import Callback
from jaxcnn.training.chunks import Plan
from jaxcnn.training.evaluation import sum_batches
from jaxcnn.training.examples import Examples
from jaxcnn.training.feed import Feed
from jaxcnn.training.metrics import Metrics, mean_metrics
from jaxcnn.training.progress import Silent
from jaxcnn.training.run import Run
from jaxcnn.training.state import TrainState, variables_of


def train_epoch(
    feed: Feed,
    run: Run,
    report: Silent,
    clock: Callable[[], float],
    callbacks: Sequence[Callback] = (),
) -> None:
    """The rest of the run's epoch; the host looks at a chunk's sums while the device works on the next one."""
    start, earlier = clock() - run.seconds, None
    feed.begin_epoch(run)
    for chunk in run.plan.chunks(run.epoch, run.position):
        run.advance(*feed.take_steps(run, chunk), chunk.steps, clock() - start)
        if earlier is not None:
            means = finite_means(earlier, run.plan, run.epoch, run.skipped)
            report.advance(run.epoch, means, int(jax.device_get(earlier.examples)), clock() - start)
        earlier = run.sums
        feed.look_ahead(run)
        for callback in callbacks:
            callback.on_chunk_end(run)
        if run.stopped is not None:
            break
    jax.block_until_ready(run.state)
    run.seconds = clock() - start


def finite_means(sums: Metrics, plan: Plan, epoch: int, begun: int = 0) -> dict[str, float]:
    """Loss and accuracy per example, or the batch that broke them; sums of an epoch from its batch `begun` on."""
    means = mean_metrics(sums)
    if not math.isfinite(means["loss"]):
        batch = begun + int(jax.device_get(sums.sound)) // plan.batch_size
        raise FloatingPointError(_broken("loss", f"became {means['loss']}", plan, epoch, batch))
    return means


def keep(model: nnx.Module, snapshot: Callable, state: TrainState, plan: Plan, epoch: int, batches: int) -> None:
    """Gives the model copies: the next call of a step takes the state's own buffers. `batches` of `epoch` are done."""
    variables, finite = snapshot(state)
    if not jax.device_get(finite):
        raise FloatingPointError(_broken("parameters", "became NaN or infinite", plan, epoch, batches - 1))
    nnx.update(model, *variables)


def _broken(what: str, how: str, plan: Plan, epoch: int, batch: int) -> str:
    step = epoch * plan.steps_per_epoch + batch
    return (
        f"the {what} {how} in epoch {epoch + 1}, batch {batch + 1} of {plan.steps_per_epoch} (step {step + 1});"
        " the model keeps its last good state, from before that: lower the learning rate, or look for broken images"
    )


def validate(evaluation: Callable | None, state: TrainState, batches: list[tuple[Examples, Array]]) -> dict[str, float]:
    """val_loss and val_accuracy, or nothing without a validation set."""
    if evaluation is None:
        return {}
    means = mean_metrics(sum_batches(evaluation, variables_of(state), batches))
    return {f"val_{name}": value for name, value in means.items()}
