"""The output cell that `explain` is asked about: found in the output's shape, and computed by the operation itself."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxcnn import geometry
from jaxcnn.functional.dtypes import as_array, is_exact
from jaxcnn.functional.layout import DataFormat, Layout, channels_last, layout_of


class Question(NamedTuple):
    """An operation ready to run, what it will return, and the cell of that output to explain, still unchecked."""

    operation: str
    run: Callable[[], Array]
    shape: tuple[int, ...]
    dtype: Any
    at: Any
    example: Any
    channel: Any


class Cell(NamedTuple):
    """One cell of an operation's output, and the value that the operation gives it."""

    operation: str
    at: tuple[int, ...]
    example: int
    channel: int
    value: np.generic


def locate(question: Question, layout: Layout) -> Cell:
    """The cell that is asked about, in an output laid out as `layout`, with its value.

    Raises:
      ValueError: where the output has no such cell, before the operation runs.
    """
    shape = question.shape
    at = _checked_at(question.at, tuple(shape[axis] for axis in layout.spatial))
    example = _below("example", question.example, shape[0] if layout.batched else 1)
    channel = _below("channel", question.channel, shape[layout.channels])
    index = list(layout.at_spatial(at, channel))
    if layout.batched:
        index[0] = example
    value: Any = np.asarray(question.run())[tuple(index)]
    return Cell(question.operation, at, example, channel, value)


def image_and_cell(question: Question, x: Any, spatial_dims: int, data_format: DataFormat) -> tuple[np.ndarray, Cell]:
    """The example that is asked about, (*spatial, channels) in the result's dtype made wide, and the cell.

    Raises:
      ValueError: as `locate`.
    """
    x = as_array("x", x)
    layout = layout_of(x, spatial_dims, data_format)
    cell = locate(question, layout)
    return wide(channels_last(x, layout)[0][cell.example], question.dtype), cell


def wide(array: Any, dtype: Any) -> np.ndarray:
    """The values that `array` has in `dtype`, in NumPy's widest type of that kind, so that a hand doesn't round."""
    if is_exact(dtype):
        widest = np.uint64 if dtype == jnp.uint64 else np.int64
    else:
        widest = np.complex128 if jnp.issubdtype(dtype, jnp.complexfloating) else np.float64
    return np.asarray(array).astype(dtype).astype(widest)


def bias_of(cell: Cell, bias: Any, dtype: Any) -> Any:
    """The bias of that cell: one for its channel, or, of `local_conv`, its own; None where there is none."""
    if bias is None:
        return None
    values = wide(as_array("bias", bias), dtype)
    return values[(*cell.at, cell.channel) if values.ndim > 1 else cell.channel].item()


def _checked_at(at: Any, spatial: tuple[int, ...]) -> tuple[int, ...]:
    indices = geometry.entries(at)
    indices = (at,) if indices is None else indices
    rule = f"at must be {len(spatial)} integers, one a spatial dimension of the output {spatial}"
    if len(indices) != len(spatial):
        raise ValueError(f"{rule}; got {geometry.shown(at)}, which has {len(indices)}")
    try:
        cell = tuple(geometry.as_int("at", index, minimum=0) for index in indices)
    except ValueError as error:
        raise ValueError(f"{rule}, none negative; got {geometry.shown(at)}") from error
    if any(index >= size for index, size in zip(cell, spatial, strict=True)):
        raise ValueError(f"{rule}, each below its size; got {geometry.shown(at)}")
    return cell


def _below(name: str, value: Any, count: int) -> int:
    number = geometry.as_int(name, value, minimum=0)
    if number >= count:
        raise ValueError(f"{name} must be below {count}, the output's count of them; got {number}")
    return number
