"""All that a training step reads and writes, as one pytree."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx


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
      step: int32 scalar, the steps taken so far.
      graphdef: the model without its arrays.
      optimizer: the gradient transformation.
    """

    params: Any
    other: Any
    opt_state: Any
    step: Any
    graphdef: nnx.GraphDef = dataclasses.field(metadata={"static": True})
    optimizer: optax.GradientTransformation = dataclasses.field(metadata={"static": True})


def create_state(model: nnx.Module, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step, in buffers of its own: it may be donated, the model stays whole."""
    graphdef, params, other = nnx.split(model, nnx.Param, ...)
    params, other, opt_state, step = _initialise(params, other, optimizer.init)
    return TrainState(params, other, opt_state, step, graphdef, optimizer)


def variables_of(state: TrainState) -> Any:
    """The model's variables, both kinds in one."""
    return nnx.merge_state(state.params, state.other)


def copy_leaves(tree: Any) -> Any:
    """The same tree in fresh buffers, with dtypes made explicit: a weakly typed leaf could change in the first step."""
    return jax.tree.map(lambda leaf: jnp.array(leaf, dtype=jnp.result_type(leaf)), tree)


@functools.partial(jax.jit, static_argnums=2)  # one small program instead of one for each shape
def _initialise(params: Any, other: Any, init: Callable[[Any], Any]) -> tuple[Any, Any, Any, jax.Array]:
    return *copy_leaves((params, other, init(params))), jnp.zeros((), jnp.int32)


def snapshot(state: TrainState) -> tuple[Any, jax.Array]:
    """Copies of the model's variables that outlive the state's donation, and whether all parameters are finite."""
    finite = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params)]
    return jax.tree.map(jnp.copy, (state.params, state.other)), jnp.array(finite, bool).all()
