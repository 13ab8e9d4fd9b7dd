"""Training a model on labelled images."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Key

from jaxcnn.training import checks
from jaxcnn.training.chunks import Plan
from jaxcnn.training.epochs import keep, train_epoch, validate
from jaxcnn.training.evaluation import EVALUATION_BATCH_SIZE
from jaxcnn.training.examples import Examples, LabeledImages, evaluation_batches
from jaxcnn.training.history import History
from jaxcnn.training.programs import compile_programs
from jaxcnn.training.progress import Silent, reporter
from jaxcnn.training.state import TrainState, create_state


def fit(
    model: nnx.Module,
    train: LabeledImages,
    *,
    validation: LabeledImages | None = None,
    epochs: int,
    batch_size: int = 64,
    optimizer: optax.GradientTransformation,
    seed: int = 0,
    steps_per_execution: int = 32,
    progress: bool = True,
) -> History:
    """Trains the model in place on softmax cross-entropy, and returns what happened.

    The whole set lies on the device and is shuffled there: batch i of epoch e depends on (seed, e, i) alone, the
    last batch of an epoch may be smaller and is used. With the same seed, versions and device, results are
    bit-identical. Dropout draws from the model's own `nnx.Rngs`; optimizer state starts anew in each call.
    The model trains in training mode and is validated in evaluation mode; its modes stay as they are. It takes
    the new state at the end of each epoch, so that an interrupt or an error leaves the last whole epoch in it.
    On a CPU build the model from `jaxcnn.nn.Conv`: the gradients of `flax.nnx.Conv` are up to ten times slower
    inside the compiled loop of steps.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      train: anything with `.images` (n, h, w, c), uint8 (scaled to [0, 1] in the step) or floats (used as they
        are), and integer `.labels` (n,).
      validation: the same, evaluated after each epoch.
      epochs: passes over the set; 0 checks the arguments and leaves the model as it is.
      batch_size: examples a step; more than the set means the whole set.
      optimizer: any optax gradient transformation. Pass the same object again to reuse compiled programs.
      seed: of the shuffles, 0 to 2**32 - 1.
      steps_per_execution: steps a call of the compiled program, between two looks at the progress; changes no result.
      progress: show a bar on a terminal, a line an epoch elsewhere (on stderr).

    Returns:
      One float an epoch of loss, accuracy, val_loss, val_accuracy and seconds, and the seconds of compilation.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: images, labels, model or numbers do not fit; raised before anything compiles.
      FloatingPointError: the loss or a parameter became NaN or infinite; the model keeps the last good epoch.
    """
    checks.check_model(model)
    checks.check_optimizer(optimizer)
    epochs = checks.check_integer("epochs", epochs, minimum=0)
    seed = checks.check_integer("seed", seed, minimum=0, below=2**32)
    batch_size = checks.check_integer("batch_size", batch_size, minimum=1)
    steps_per_execution = checks.check_integer("steps_per_execution", steps_per_execution, minimum=1)
    examples, held_out = _check_data(model, train, validation, batch_size)
    if epochs == 0:
        return History()
    count = len(examples.labels)
    plan = Plan(count, min(batch_size, count), steps_per_execution)
    state, key = create_state(model, optimizer), jax.random.key(seed)
    with reporter(progress, epochs, count) as report:
        return _train(model, state, plan, examples, held_out, key, epochs, report)


def _check_data(
    model: nnx.Module, train: LabeledImages, validation: LabeledImages | None, batch_size: int
) -> tuple[Examples, Examples | None]:
    """Both sets as arrays, or the first thing wrong with them."""
    examples = checks.check_examples("train", train)
    held_out = None if validation is None else checks.check_examples("validation", validation)
    if held_out is not None:
        checks.check_same_shape(examples, held_out)
    classes = checks.count_classes(model, examples.images, min(batch_size, len(examples.labels)), training=True)
    examples = checks.check_labels("train", examples, classes)
    return examples, held_out and checks.check_labels("validation", held_out, classes)


def _train(
    model: nnx.Module,
    state: TrainState,
    plan: Plan,
    examples: Examples,
    held_out: Examples | None,
    key: Key[Array, ""],
    epochs: int,
    report: Silent,
) -> History:
    """All epochs; the model receives each one's result before its validation."""
    examples = Examples(jnp.asarray(examples.images), jnp.asarray(examples.labels))
    size = EVALUATION_BATCH_SIZE
    batches = [] if held_out is None else list(evaluation_batches(held_out, min(size, len(held_out.labels))))
    programs, compile_seconds = compile_programs(plan, state, examples, key, batches[0] if batches else None)
    rows = []
    for epoch in range(epochs):
        state, row = train_epoch(programs, plan, epoch, state, examples, key, report)
        keep(model, programs, state, epoch)
        row |= validate(programs, state, batches)
        report.finish_epoch(epoch, row)
        rows.append(row)
    return _history(rows, compile_seconds)


def _history(rows: list[dict[str, float]], compile_seconds: float) -> History:
    def column(name: str) -> list[float]:
        return [row[name] for row in rows if name in row]

    return History(
        loss=column("loss"),
        accuracy=column("accuracy"),
        val_loss=column("val_loss"),
        val_accuracy=column("val_accuracy"),
        seconds=column("seconds"),
        compile_seconds=compile_seconds,
    )
