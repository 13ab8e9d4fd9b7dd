"""The compiled programs of `fit_stream`: several steps a call, on a group of batches."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int32, Key, Shaped
from numpy.typing import NDArray

from jaxcnn.training.chunks import completes_update
from jaxcnn.training.compiling import Program
from jaxcnn.training.examples import Examples
from jaxcnn.training.metrics import Metrics, add_metrics, zero_metrics
from jaxcnn.training.programs import after_epoch, start_all
from jaxcnn.training.state import TrainState
from jaxcnn.training.steps import train_step
from jaxcnn.training.stream_call import Augmentation, StreamCall


class Group(NamedTuple):
    """Batches of one size on the device, stacked."""

    images: Shaped[Array, "k n h w c"]
    labels: Int32[Array, "k n"]


class StreamPrograms(NamedTuple):
    """Steps (one program for each batch size), copy of the result, validation."""

    steps: dict[int, Program]
    snapshot: Program
    evaluation: Program | None

    def start(self) -> None:
        """Compile all of them behind the caller's back."""
        start_all(self.steps, self.snapshot, self.evaluation)


def run_stream_steps(
    state: TrainState,
    metrics: Metrics,
    group: Group,
    key: Key[Array, ""],
    where: Int32[Array | NDArray, "3"],
    *,
    augment: Augmentation | None,
    steps_per_epoch: int | None,
) -> tuple[TrainState, Metrics]:
    """A training step on each of some batches of the group; their sums added to `metrics`.

    `where` holds the first one's position in the stream, its place in the group, and how many there are. The draws of
    an augmentation belong to the position alone. Where gradients accumulate, `steps_per_epoch` tells which batches
    complete an update. As for `run_steps`, one compilation serves every place and number, and no bit depends on them.
    """
    position, offset, count = where

    def step(i, carry):
        state, total = carry
        images, labels = (lax.dynamic_index_in_dim(array, offset + i, keepdims=False) for array in group)
        if augment is not None:
            images = augment(jax.random.fold_in(key, position + i), images)
        last = steps_per_epoch is None or completes_update(
            (position + i) % steps_per_epoch, 1, steps_per_epoch, state.options.accumulate_steps
        )
        state, found = train_step(state, Examples(images, labels), last)
        return state, add_metrics(total, found)

    return lax.fori_loop(jnp.int32(0), count, step, (state, metrics))


def compile_stream_programs(
    call: StreamCall, state: TrainState, held_out: tuple[Examples, Bool[Array, " n"]] | None
) -> tuple[StreamPrograms, float]:
    """All programs, and the seconds until the first step can run: those for later steps wait for `start`."""
    start = time.perf_counter()
    worker, plan = ThreadPoolExecutor(1), call.plan
    per_epoch = plan.steps_per_epoch if call.options.accumulate_steps > 1 else None
    steps = {}
    for size in plan.batch_sizes:
        args = (state, zero_metrics(), _shape_of_group(call, size), call.key, np.zeros(3, np.int32))
        steps[size] = Program(worker, _jitted_steps, *args, augment=call.augment, steps_per_epoch=per_epoch)
    programs = StreamPrograms(steps, *after_epoch(worker, state, held_out))
    steps[plan.batch_sizes[0]].wait()
    return programs, time.perf_counter() - start


def _shape_of_group(call: StreamCall, batch_size: int) -> Group:
    shape = call.plan.capacity(batch_size), batch_size
    dtype = jax.dtypes.canonicalize_dtype(call.stream.dtype)
    images = jax.ShapeDtypeStruct((*shape, *call.stream.image_shape), dtype)
    return Group(images, jax.ShapeDtypeStruct(shape, np.int32))  # pyright: ignore[reportArgumentType]


_static = ("augment", "steps_per_epoch")
_jitted_steps = jax.jit(run_stream_steps, static_argnames=_static, donate_argnames="state")
