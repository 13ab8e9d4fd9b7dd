"""Several steps a call: one compiled loop whose start and length are arguments, so that no result depends on them."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, Key

from jaxcnn.training.examples import Examples, take
from jaxcnn.training.metrics import Metrics, add_metrics
from jaxcnn.training.state import TrainState
from jaxcnn.training.steps import train_step


class Chunk(NamedTuple):
    """Consecutive batches of one size: `steps` batches of `batch_size`, from the epoch's example `offset` on."""

    offset: int
    steps: int
    batch_size: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """How an epoch of `examples` falls into batches and chunks.

    Boundaries are the multiples of `steps_per_execution` and of each of `observed` in absolute steps, and the ends of
    epochs: they are the same wherever a run begins. A stream's batches come in groups that begin anew with each epoch,
    so there (`grouped`) the multiples of `steps_per_execution` are counted within the epoch. The last batch of an epoch
    may be smaller; it is a chunk of its own, never padded, so that BatchNorm sees only real images.
    """

    examples: int
    batch_size: int
    steps_per_execution: int
    observed: tuple[int, ...] = ()
    grouped: bool = False

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The sizes that occur, the full one first."""
        return tuple(size for size in (self.batch_size, self.examples % self.batch_size) if size)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.examples // self.batch_size)

    def capacity(self, batch_size: int) -> int:
        """The most steps that a chunk of such batches may have, whatever is observed."""
        full = self.examples // self.batch_size
        return max(1, min(self.steps_per_execution, full)) if batch_size == self.batch_size else 1

    def chunks(self, epoch: int, position: int = 0) -> Iterator[Chunk]:
        """The chunks of one epoch, counted from 0, in order; those after its first `position` batches."""
        first, full = epoch * self.steps_per_epoch, self.examples // self.batch_size
        while position < full:
            count = min(self._until_boundary(first, position), full - position)
            yield Chunk(position * self.batch_size, count, self.batch_size)
            position += count
        if position < self.steps_per_epoch:
            yield Chunk(full * self.batch_size, 1, self.examples % self.batch_size)

    def _until_boundary(self, first: int, position: int) -> int:
        step, most = first + position, self.steps_per_execution
        own = most - (position if self.grouped else step) % most
        return min(own, *(every - step % every for every in self.observed)) if self.observed else own


def epoch_order(key: Key[Array, ""], epoch: Int32[Array | np.integer, ""], *, examples: int) -> Int32[Array, " n"]:
    """The order of an epoch's examples: a permutation that depends on the key and the epoch alone."""
    return jax.random.permutation(jax.random.fold_in(key, epoch), jnp.arange(examples, dtype=jnp.int32))


def run_steps(
    state: TrainState,
    metrics: Metrics,
    examples: Examples,
    order: Int32[Array, " n"],
    offset: Int32[Array | np.integer, ""],
    count: Int32[Array | np.integer, ""],
    *,
    batch_size: int,
) -> tuple[TrainState, Metrics]:
    """`count` training steps on consecutive slices of the order, their sums added to `metrics`.

    Start and length are traced: one compilation serves every chunk, and step i computes the same bits in each.
    XLA on the CPU brings convolutions to its fast form outside loops only, so a model must emit them in that form
    itself, gradients too, as `jaxcnn.functional.conv` does.
    """

    every = state.options.accumulate_steps

    def step(i, carry):
        state, total = carry
        start = offset + i * batch_size
        rows = lax.dynamic_slice_in_dim(order, start, batch_size)
        last = every == 1 or completes_update(start, batch_size, len(order), every)
        state, metrics = train_step(state, take(examples, rows), last)
        return state, add_metrics(total, metrics)

    return lax.fori_loop(jnp.int32(0), count, step, (state, metrics))


def completes_update(
    start: Int32[Array | np.integer, ""] | int, batch_size: int, examples: int, every: int
) -> Bool[Array | np.bool_, ""] | bool:
    """Whether the batch from an epoch's example `start` on is the last of `every`, or the epoch's last."""
    return ((start // batch_size + 1) % every == 0) | (start + batch_size == examples)
