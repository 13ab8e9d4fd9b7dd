"""Training several models of one structure on the same images, each with its own seed."""

import functools
import threading
from collections.abc import Sequence

import jax
import optax
from flax import nnx
from numpy.typing import NDArray

from jaxcnn.training.call import check_call, check_callbacks_of_all, check_options, check_seeds
from jaxcnn.training.callbacks import Callback, watched
from jaxcnn.training.checks import check_jit
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.progress import Silent, reporters
from jaxcnn.training.run import Run
from jaxcnn.training.same_structure import check_same_structure
from jaxcnn.training.side_by_side import SharedClock, Stoppable, side_by_side
from jaxcnn.training.task import Task, begin_run, history_of, prepare, train_run


def fit_seeds(
    models: Sequence[nnx.Module],
    train: LabeledImages,
    *,
    validation: LabeledImages | None = None,
    epochs: int,
    batch_size: int = 64,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    label_smoothing: float | int = 0.0,
    class_weights: Sequence[float | int] | NDArray | jax.Array | None = None,
    ema: float | int | None = None,
    compute_dtype: jax.typing.DTypeLike | None = None,
    accumulate_steps: int = 1,
    callbacks: Sequence[Sequence[Callback]] = (),
    steps_per_execution: int = 32,
    progress: bool = True,
) -> list[History]:
    """Trains each model in place with its own seed: `fit` for every pair, in less time and with the same bits.

    The sets lie on the device once and one set of compiled programs serves all runs. As many of these go on at a
    time as the host has cores: on a CPU a step of a small network leaves cores idle. Models stacked with `jax.vmap`
    make grouped convolutions, slower there than one model after the other; `python -m
    experiments.bench.seeds` measures all three. Nothing is saved on the way: `fit` takes `checkpoints`, for one run.

    Args:
      models: NNX modules of one structure, such as one constructor's with different `rngs`.
      train, validation, epochs, batch_size, optimizer, steps_per_execution: as for `fit`.
      seeds: of the shuffles, one for each model, 0 to 2**32 - 1.
      label_smoothing, class_weights, ema, compute_dtype, accumulate_steps: as for `fit`.
      callbacks: for each model a sequence of its own, or none at all; they are called from their run's thread, and no
        object twice.
      progress: show a bar for each seed on a terminal, a line for each seed and epoch elsewhere (on stderr).

    Returns:
      A history for each model. Its seconds are the run's share of the wall clock while others went on beside it; the
      first one alone carries the seconds of compilation. Where a loss or a parameter became NaN or infinite, that
      model keeps the last good epoch, its history ends there and names the reason in `error`, and the others go on.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, models or numbers do not fit; raised before anything compiles.
    """
    check_jit()
    models = check_same_structure(models)
    seeds = check_seeds(seeds, len(models))
    watchers = check_callbacks_of_all(callbacks, len(models))
    options = check_options(label_smoothing, ema, compute_dtype, accumulate_steps)
    sizes, every = (epochs, batch_size, optimizer, steps_per_execution), [each for group in watchers for each in group]
    call = check_call(models[0], train, validation, *sizes, options, class_weights, every)
    if call.epochs == 0:
        return [History() for _ in models]
    runs = [begin_run(call, model, optimizer, seed) for model, seed in zip(models, seeds, strict=True)]
    names = [f"seed {seed}, " for seed in seeds]
    with reporters(progress, call.epochs, call.plan.examples, names) as reports:
        task = prepare(call, runs[0].state, jax.random.key(seeds[0]))
        task.programs.start()  # in this thread, whose settings hold
        return _train_all(task, list(zip(models, runs, watchers, reports, strict=True)))


def _train_all(task: Task, runs: list[tuple[nnx.Module, Run, Sequence[Callback], Silent]]) -> list[History]:
    clock, stop = SharedClock(), threading.Event()

    def train_one(index: int) -> History:
        model, run, callbacks, report = runs[index]
        error = None
        with clock.running():
            try:
                with watched(run, callbacks):
                    train_run(task, model, run, jax.random.key(run.seed), Stoppable(report, stop), callbacks, clock)
            except FloatingPointError as broken:
                error = str(broken)
        return history_of(run.rows, 0.0 if index else task.compile_seconds, error, run.stopped)

    return side_by_side([functools.partial(train_one, index) for index in range(len(runs))], stop)
