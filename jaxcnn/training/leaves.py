"""The arrays of a tree by name, shape and dtype."""

from typing import Any

import jax


def shapes_of(tree: Any) -> dict[str, str]:
    """A name and a short type, such as float32(3, 3), for each array."""
    abstract = jax.eval_shape(lambda leaves: leaves, tree)
    return {
        jax.tree_util.keystr(path): f"{leaf.dtype}{leaf.shape}" for path, leaf in jax.tree.leaves_with_path(abstract)
    }


def differing_leaves(wanted: Any, found: Any) -> list[str]:
    """A few words for each array that only one of the trees has, or that differs in shape or dtype."""
    left, right = shapes_of(wanted), shapes_of(found)
    return [
        f"{path} must be {left.get(path, 'absent')}, got {right.get(path, 'absent')}"
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    ]
