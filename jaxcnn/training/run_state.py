"""Everything about a run at a boundary between two chunks: what a checkpoint holds, and what a run goes on from."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from jaxcnn.training.metrics import Metrics
from jaxcnn.training.state import TrainState


class Arrays(NamedTuple):
    """What a run holds on the device.

    Attributes:
      state: parameters, other model state, optimizer state and the absolute step.
      sums: loss and correct answers of the epoch that the run stands in, so far.
      best: the model's variables that are to replace the last ones at the end (`EarlyStopping`); None where there are
        none.
    """

    state: TrainState
    sums: Metrics
    best: Any


@dataclasses.dataclass(frozen=True)
class Record:
    """The rest of a run, in plain Python, so that it goes to JSON as it is.

    Attributes:
      step: absolute steps taken, over all epochs.
      rows: the metrics of each finished epoch. The run stands in epoch `len(rows)`, counted from 0.
      seconds: of training in the epoch that the run stands in, so far.
      notes: what callbacks remember.
      seed: of the shuffles; with the epoch it gives the order of the examples.
      examples: the size of the training set.
      batch_size: examples a step.
      has_best: whether the arrays hold a best model beside the last.
      first: the position of the stream where the run began; with `step` it gives where the stream goes on.
    """

    step: int
    rows: Sequence[Mapping[str, float]]
    seconds: float
    notes: Mapping[str, Any]
    seed: int
    examples: int
    batch_size: int
    has_best: bool
    first: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for `json.dump`; `Record(**fields)` is its inverse."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class RunState:
    """A copy of a run at a boundary, which outlives the run's own buffers.

    Attributes:
      arrays: on the device. They may still be under way: whoever reads them waits.
      record: the rest.
      finite: whether the loss so far and all parameters are finite; a state where they aren't is not worth keeping.
    """

    arrays: Arrays
    record: Record
    finite: Bool[Array, ""]


def capture(state: TrainState, sums: Metrics) -> tuple[TrainState, Metrics, Bool[Array, ""]]:
    """Copies that outlive the state's donation, and whether parameters and loss are finite."""
    checked = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves((state.params, sums.loss))]
    return *jax.tree.map(jnp.copy, (state, sums)), jnp.array(checked, bool).all()
