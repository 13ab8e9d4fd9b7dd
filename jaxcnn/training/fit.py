"""Training a model on labelled images."""

from collections.abc import Sequence

import jax
import optax
from flax import nnx
from numpy.typing import NDArray

from jaxcnn.training.call import check_call, check_callbacks, check_options, check_seed
from jaxcnn.training.callbacks import Callback, watched
from jaxcnn.training.checkpoints import Checkpoints, make_saver
from jaxcnn.training.checks import check_jit
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.history import History
from jaxcnn.training.progress import reporter
from jaxcnn.training.task import begin_run, history_of, prepare, train_run


def fit(
    model: nnx.Module,
    train: LabeledImages,
    *,
    validation: LabeledImages | None = None,
    epochs: int,
    batch_size: int = 64,
    optimizer: optax.GradientTransformation,
    seed: int = 0,
    label_smoothing: float | int = 0.0,
    class_weights: Sequence[float | int] | NDArray | jax.Array | None = None,
    ema: float | int | None = None,
    compute_dtype: jax.typing.DTypeLike | None = None,
    accumulate_steps: int = 1,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | None = None,
    steps_per_execution: int = 32,
    progress: bool = True,
) -> History:
    """Trains the model in place on softmax cross-entropy, and returns what happened.

    The whole set lies on the device and is shuffled there: batch i of epoch e depends on (seed, e, i) alone, the
    last batch of an epoch may be smaller and is used. With the same seed, versions and device, results are
    bit-identical. Dropout draws from the model's own `nnx.Rngs`; optimizer state starts anew in each call.
    Schedules, weight decay and gradient clipping are the optimizer's: `optax.chain` puts them together. The reported
    loss is what is minimised, label smoothing and class weights included; validation's is the plain cross-entropy.
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
      label_smoothing: the share of each target that goes to all classes alike, 0 up to but not 1.
      class_weights: a factor for the loss of each class's examples. As in Keras the weighted losses are averaged over
        the number of examples; PyTorch divides by the sum of their weights.
      ema: decay of a moving average of the parameters, such as 0.999, that begins at the first ones and follows each
        update. The model is validated with it and receives it; other variables, as BatchNorm's, are the last ones.
      compute_dtype: what the model computes in, such as jnp.bfloat16, in validation too; parameters, statistics and
        the loss keep their dtype. A layer that names a dtype keeps it; pass the same to `evaluate` and `predict`.
      accumulate_steps: batches whose gradients make one update, weighted by their examples; an epoch's last update may
        have fewer. As one batch of so many times the size, but for BatchNorm and Dropout, which see the small ones.
        Optimizers and their schedules count updates.
      callbacks: what watches the run, may stop it, and puts a saved one in its place: see `Callback`.
      checkpoints: where and how often the run is saved, and whether a saved one goes on: see `Checkpoints`.
      steps_per_execution: steps a call of the compiled program, between two looks at the progress; changes no result.
        From 32 on the cost of a call no longer shows (`python -m experiments.bench.chunks`).
      progress: show a bar on a terminal, a line an epoch elsewhere (on stderr).

    Returns:
      One float an epoch of loss, accuracy, val_loss, val_accuracy and seconds, and the seconds of compilation; of all
      epochs where a saved run went on.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, model or numbers do not fit; raised before anything compiles.
      FloatingPointError: the loss or a parameter became NaN or infinite: names the step and its batch; the model keeps
        the last good epoch.
      OSError: a checkpoint can't be saved; earlier ones are whole.
    """
    check_jit()
    seed, callbacks = check_seed(seed), check_callbacks(callbacks)
    saving = make_saver(checkpoints, train, validation)
    watchers = (*callbacks, *saving)  # a save comes after what others note
    options = check_options(label_smoothing, ema, compute_dtype, accumulate_steps)
    sizes = (epochs, batch_size, optimizer, steps_per_execution)
    call = check_call(model, train, validation, *sizes, options, class_weights, watchers)
    if call.epochs == 0:
        return History()
    key = jax.random.key(seed)
    run = begin_run(call, model, optimizer, seed)
    with reporter(progress, call.epochs, call.plan.examples) as report, watched(run, (*saving, *callbacks)):
        task = prepare(call, run.state, key)
        train_run(task, model, run, key, report, watchers)
    return history_of(run.rows, task.compile_seconds, stopped=run.stopped)
