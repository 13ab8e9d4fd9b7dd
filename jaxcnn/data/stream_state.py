"""The state of a stream: what it says, and what is refused."""

from collections.abc import Mapping

from jaxcnn.arguments import as_int, shown
from jaxcnn.data.batches import BatchReader
from jaxcnn.data.sources import fingerprint

Facts = dict[str, int | str]  # what a state says of its stream, but for the position


def facts_of(reader: BatchReader) -> Facts:
    """What tells the stream from others; some images are read for it."""
    return {
        "version": 1,
        "examples": len(reader.source),
        "batch_size": reader.batch_size,
        "seed": reader.seed,
        "source": fingerprint(reader.source),
    }


def checked_position(state: Mapping[str, int | str], facts: Facts, epochs: int | None, steps_per_epoch: int) -> int:
    """The batches that were given out by then.

    Raises:
      ValueError: no state, one of another stream, or one behind the end of `epochs`.
    """
    if not isinstance(state, Mapping) or not isinstance(state.get("position"), int):
        raise ValueError(f"state must be what Stream.state() returned, got {shown(state)}; save that, whole")
    for name, now in facts.items():
        if state.get(name) != now:
            raise ValueError(
                f"state belongs to another stream, whose {name} was {shown(state.get(name))} and here is {now!r};"
                " pass the unchanged source, seed and batch_size, or leave state out to begin anew"
            )
    position = as_int("state['position']", state["position"], minimum=0)
    if epochs is not None and position > epochs * steps_per_epoch:
        raise ValueError(
            f"state lies {position} batches into the stream, but epochs={epochs} end after"
            f" {epochs * steps_per_epoch}; pass more epochs"
        )
    return position
