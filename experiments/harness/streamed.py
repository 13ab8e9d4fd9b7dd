"""Training on a set that is read as it goes: what `fit` and `evaluate` do for one that lies in memory."""

import optax
from flax import nnx

from jaxcnn.data import Dataset, Stream, stream
from jaxcnn.data.memory import free_memory, shown_bytes
from jaxcnn.data.sources import Source
from jaxcnn.training import History, evaluate, fit_stream


def refuse_without_room(images: Dataset) -> None:
    """Refuse a set of which training, which copies the images, would fill the memory.

    Raises:
      ValueError: says how much is free, and the way out.
    """
    needed, free = images.images.nbytes, free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"{images.name} must fit into memory twice to be trained on, got {shown_bytes(needed)} of images beside"
            f" {shown_bytes(free)} that are free; --stream reads them as training goes"
        )


def describe_streamed(batches: Stream, test: Dataset) -> str:
    """Which images a result rests on, as `options.describe` says it of sets in memory."""
    count = f"{batches.examples:,} training images, read as training goes, and {len(test):,} test images"
    if test.source == "sample":
        return f"Shipped sample of {test.name}: {count}, not the full set."
    return f"Full {test.name}: {count}."


def fit_streamed(
    model: nnx.Module,
    source: Source | str,
    validation: Dataset,
    *,
    epochs: int,
    batch_size: int,
    optimizer: optax.GradientTransformation,
    seed: int,
) -> History:
    """As a run of `fit_seeds`: what ended it early is told in the history's `error`."""
    with stream(source, batch_size=batch_size, seed=seed) as batches:
        try:
            return fit_stream(model, batches, validation=validation, epochs=epochs, optimizer=optimizer, seed=seed)
        except FloatingPointError as broken:
            return History(error=str(broken))


def evaluate_streamed(model: nnx.Module, batches: Stream) -> dict[str, float]:
    """As `evaluate`, over what a stream of one epoch has, in batches of EVALUATION_BATCH_SIZE say."""
    sums: dict[str, float] = {}
    for batch in batches:
        for name, mean in evaluate(model, batch).items():
            sums[name] = sums.get(name, 0.0) + mean * len(batch.labels) / batches.examples
    return sums
