"""Training several models of one structure on the same images, each with its own seed."""

import functools
import threading
from collections.abc import Sequence

import jax
import optax
from flax import nnx

from jaxcnn.training.call import check_call, check_seeds
from jaxcnn.training.checks import check_same_structure
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.progress import Silent, reporters
from jaxcnn.training.run import Run
from jaxcnn.training.side_by_side import SharedClock, Stoppable, side_by_side
from jaxcnn.training.state import create_state
from jaxcnn.training.task import Task, history_of, prepare, train_run


def fit_seeds(
    models: Sequence[nnx.Module],
    train: LabeledImages,
    *,
    validation: LabeledImages | None = None,
    epochs: int,
    batch_size: int = 64,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    steps_per_execution: int = 32,
    progress: bool = True,
) -> list[History]:
    """Trains each model in place with its own seed: `fit` for every pair, in less time and with the same bits.

    The sets lie on the device once and one set of compiled programs serves all runs. As many of these go on at a
    time as the host has cores: on a CPU a step of a small network leaves cores idle. Models stacked with `jax.vmap`
    make grouped convolutions, slower there than one model after the other; `python -m
    experiments.harness.bench_seeds` measures all three.

    Args:
      models: NNX modules of one structure, such as one constructor's with different `rngs`.
      train, validation, epochs, batch_size, optimizer, steps_per_execution: as for `fit`.
      seeds: of the shuffles, one for each model, 0 to 2**32 - 1.
      progress: show a bar for each seed on a terminal, a line for each seed and epoch elsewhere (on stderr).

    Returns:
      A history for each model. Its seconds are the run's share of the wall clock while others went on beside it; the
      first one alone carries the seconds of compilation. Where a loss or a parameter became NaN or infinite, that
      model keeps the last good epoch, its history ends there and names the reason in `error`, and the others go on.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, models or numbers do not fit; raised before anything compiles.
    """
    models = check_same_structure(models)
    seeds = check_seeds(seeds, len(models))
    call = check_call(models[0], train, validation, epochs, batch_size, optimizer, steps_per_execution)
    if call.epochs == 0:
        return [History() for _ in models]
    runs = [
        Run(call.plan, call.epochs, seed, create_state(model, optimizer))
        for model, seed in zip(models, seeds, strict=True)
    ]
    names = [f"seed {seed}, " for seed in seeds]
    with reporters(progress, call.epochs, call.plan.examples, names) as reports:
        task = prepare(call, runs[0].state, jax.random.key(seeds[0]))
        return _train_all(task, list(zip(models, runs, reports, strict=True)))


def _train_all(task: Task, runs: list[tuple[nnx.Module, Run, Silent]]) -> list[History]:
    clock, stop = SharedClock(), threading.Event()

    def train_one(index: int) -> History:
        model, run, report = runs[index]
        error = None
        with clock.running():
            try:
                key = jax.random.key(run.seed)
                train_run(task, model, run, key, Stoppable(report, stop), clock=clock)
            except FloatingPointError as broken:
                error = str(broken)
        return history_of(run.rows, 0.0 if index else task.compile_seconds, error)

    return side_by_side([functools.partial(train_one, index) for index in range(len(runs))], stop)
