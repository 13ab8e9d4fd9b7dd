"""Training a model on labelled images."""

from collections.abc import Sequence

import jax
import optax
from flax import nnx

from jaxcnn.training.call import check_call, check_seed
from jaxcnn.training.callbacks import Callback, watched
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.progress import reporter
from jaxcnn.training.run import Run
from jaxcnn.training.state import create_state
from jaxcnn.training.task import history_of, prepare, train_run


def fit(
    model: nnx.Module,
    train: LabeledImages,
    *,
    validation: LabeledImages | None = None,
    epochs: int,
    batch_size: int = 64,
    optimizer: optax.GradientTransformation,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    steps_per_execution: int = 32,
    progress: bool = True,
) -> History:
    """Trains the model in place on softmax cross-entropy, and returns what happened.

    The whole set lies on the device and is shuffled there: batch i of epoch e depends on (seed, e, i) alone, the
    last batch of an epoch may be smaller and is used. With the same seed, versions and device, results are
    bit-identical. Dropout draws from the model's own `nnx.Rngs`; optimizer state starts anew in each call.
    The model trains in training mode and is validated in evaluation mode; its modes stay as they are. It takes
    the new state at the end of each epoch, so that an interrupt or an error leaves the last whole epoch in it.
    On a CPU build the model from `jaxcnn.nn.Conv`, or call `jaxcnn.accelerate_cpu()` first: the gradients of
    `flax.nnx.Conv` are up to ten times slower inside the compiled loop of steps.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      train: anything with `.images` (n, h, w, c), uint8 (scaled to [0, 1] in the step) or floats (used as they
        are), and integer `.labels` (n,).
      validation: the same, evaluated after each epoch.
      epochs: passes over the set; 0 checks the arguments and leaves the model as it is.
      batch_size: examples a step; more than the set means the whole set.
      optimizer: any optax gradient transformation. Pass the same object again to reuse compiled programs.
      seed: of the shuffles, 0 to 2**32 - 1.
      callbacks: what watches the run, may stop it, and puts a saved one in its place: see `Callback`.
      steps_per_execution: steps a call of the compiled program, between two looks at the progress; changes no result.
        From 32 on the cost of a call no longer shows (`python -m experiments.harness.bench_chunks`).
      progress: show a bar on a terminal, a line an epoch elsewhere (on stderr).

    Returns:
      One float an epoch of loss, accuracy, val_loss, val_accuracy and seconds, and the seconds of compilation; of all
      epochs where a saved run went on.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, model or numbers do not fit; raised before anything compiles.
      FloatingPointError: the loss or a parameter became NaN or infinite: names the step and its batch; the model keeps
        the last good epoch.
    """
    seed = check_seed(seed)
    call = check_call(model, train, validation, epochs, batch_size, optimizer, steps_per_execution, callbacks)
    if call.epochs == 0:
        return History()
    run, key = Run(call.plan, call.epochs, seed, create_state(model, optimizer)), jax.random.key(seed)
    with reporter(progress, call.epochs, call.plan.examples) as report, watched(run, call.callbacks):
        task = prepare(call, run.state, key)
        train_run(task, model, run, key, report, call.callbacks)
    return history_of(run.rows, task.compile_seconds, stopped=run.stopped)
