"""What a model's variables must be, so that compiled steps can take them: values, differentiable, of lasting types."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxcnn.training.leaves import shapes_of


def check_values(variables: Any) -> None:
    """Every variable holds an array, not a shape alone."""
    for path, leaf in jax.tree.leaves_with_path(variables):
        if isinstance(leaf, jax.ShapeDtypeStruct):
            raise ValueError(
                f"the model must hold values, but {jax.tree_util.keystr(path)} is a shape alone, as nnx.eval_shape"
                " leaves it; construct the model, or fill this one by training.load"
            )


def check_differentiable(variables: Any) -> None:
    """Every parameter is floating or complex."""
    for path, leaf in jax.tree.leaves_with_path(nnx.filter_state(variables, nnx.Param)):
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            raise ValueError(
                "the model's parameters (nnx.Param) must be floating or complex, since training takes gradients of"
                f" them, but {jax.tree_util.keystr(path)} is {leaf.dtype}; make it an nnx.Variable"
            )


def check_unchanged(before: Any, after: Any) -> None:
    """Steps run in a loop, whose state must keep its structure."""
    old, new = shapes_of(before), shapes_of(after)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            raise ValueError(
                "the model must keep the shapes and dtypes of its variables in a call, but"
                f" {path} changes from {old.get(path, 'absent')} to {new.get(path, 'absent')}"
            )
