"""All that a training step reads and writes, as one pytree."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jaxtyping import Array, Float32

from jaxcnn.training.options import NO_OPTIONS, StepOptions


class Pending(NamedTuple):
    """Gradients since the last update: sums over `examples` examples, float32 at least, and their summed loss."""

    grads: Any
    loss: Float32[Array, ""]
    examples: Float32[Array, ""]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """Parameters, other model state, optimizer state and the absolute step.

    The model's structure and the optimizer are static, so `jax.jit` compiles once for each pair of them,
    whatever the seed. Leaves are unchecked: transformations put tracers and shapes in their place.

    Attributes:
      params: the model's `nnx.Param` variables, which the gradient is taken of.
      other: every other variable (BatchNorm statistics, dropout keys and counts), which a step returns anew.
      opt_state: the optimizer's state.
      step: int32 scalar, the steps taken so far: batches, of which `accumulate_steps` make one update.
      graphdef: the model without its arrays.
      optimizer: the gradient transformation.
      options: what the step does beyond the mean cross-entropy.
      ema: the moving average of the parameters; None without one.
      pending: gradients that wait for the rest of their update; None where each batch makes one.
    """

    params: Any
    other: Any
    opt_state: Any
    step: Any
    graphdef: nnx.GraphDef = dataclasses.field(metadata={"static": True})
    optimizer: optax.GradientTransformation = dataclasses.field(metadata={"static": True})
    options: StepOptions = dataclasses.field(default=NO_OPTIONS, metadata={"static": True})
    ema: Any = None
    pending: Any = None


def create_state(
    model: nnx.Module, optimizer: optax.GradientTransformation, options: StepOptions = NO_OPTIONS
) -> TrainState:
    """The state before the first step, in buffers of its own: it may be donated, the model stays whole."""
    graphdef, params, other = nnx.split(model, nnx.Param, ...)
    found, other, opt_state, step = _initialise(params, other, optimizer.init)
    state = TrainState(found, other, opt_state, step, graphdef, optimizer, options)
    if options == NO_OPTIONS:
        return state
    ema, pending = _initialise_options(params, options)
    return dataclasses.replace(state, ema=ema, pending=pending)


def final_params(state: TrainState) -> Any:
    """The parameters that the model receives: their moving average where there is one."""
    if state.ema is None:
        return state.params
    return jax.tree.map(lambda mean, leaf: mean.astype(leaf.dtype), state.ema, state.params)


def variables_of(state: TrainState) -> Any:
    """The model's variables, both kinds in one, as they are validated."""
    return nnx.merge_state(final_params(state), state.other)


def copy_leaves(tree: Any) -> Any:
    """The same tree in fresh buffers, with dtypes made explicit: a weakly typed leaf could change in the first step."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, dtype=jnp.result_type(leaf)), tree)


@functools.partial(jax.jit, static_argnums=2)  # one small program instead of one for each shape
def _initialise(params: Any, other: Any, init: Callable[[Any], Any]) -> tuple[Any, Any, Any, jax.Array]:
    return *copy_leaves((params, other, init(params))), jnp.zeros((), jnp.int32)


@functools.partial(jax.jit, static_argnums=1)
def _initialise_options(params: Any, options: StepOptions) -> tuple[Any, Pending | None]:
    """The average begins at the parameters."""
    ema = None if options.ema is None else jax.tree.map(lambda leaf: jnp.array(leaf, _wide(leaf)), params)
    if options.accumulate_steps == 1:
        return ema, None
    grads = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, _wide(leaf)), params)
    return ema, Pending(grads, jnp.zeros((), jnp.float32), jnp.zeros((), jnp.float32))


def _wide(leaf: Array) -> Any:
    """Sums and averages of half types lose small terms."""
    return jnp.promote_types(leaf.dtype, jnp.float32)


def snapshot(state: TrainState) -> tuple[Any, jax.Array]:
    """Copies of the model's variables that outlive the state's donation, and whether all parameters are finite."""
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params)]
    return jax.tree.map(jnp.copy, (final_params(state), state.other)), jnp.array(finite, bool).all()


def learning_rate_of(state: TrainState) -> dict[str, float]:
    """`learning_rate` of the last update, where the optimizer's state holds one (`optax.inject_hyperparams`)."""
    found = optax.tree_utils.tree_get_all_with_path(state.opt_state, "learning_rate", filtering=_is_number)
    return {"learning_rate": float(jax.device_get(found[0][1]))} if len(found) == 1 else {}


def _is_number(_: Any, value: Any) -> bool:
    """A schedule's own state goes by the same name."""
    return isinstance(value, jax.Array) and value.ndim == 0
