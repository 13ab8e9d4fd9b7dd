"""Receptive fields through what moves, drops or adds whole axes: products, reductions, reshapes, look-ups."""

from typing import Any

from jaxcnn.analysis.receptive_field import Field, each, joined, moved, reversed_along, unknown
from jaxcnn.analysis.reshape import reshaped


def relabelled(field: Field, places: dict[int, int]) -> Field:
    """A field on axes numbered anew; axes without a new number are taken in whole."""
    numbers = {int(old): int(new) for old, new in places.items()}
    return each(field, lambda span: moved(span, numbers))


def product(equation: Any, fields: list[Field]) -> list[Field]:
    contracted, shared = equation.params["dimension_numbers"]
    places, first_free = [], len(shared[0])
    for variable, summed, batch in zip(equation.invars, contracted, shared, strict=True):
        free = [axis for axis in range(len(variable.aval.shape)) if axis not in (*summed, *batch)]
        places.append({axis: n for n, axis in enumerate(batch)} | {axis: n for n, axis in enumerate(free, first_free)})
        first_free += len(free)
    return [joined([relabelled(field, place) for field, place in zip(fields, places, strict=True)])]


def reduction(equation: Any, fields: list[Field]) -> list[Field]:
    gone = equation.params.get("axes", equation.params.get("dimensions"))
    kept = [axis for axis in range(len(equation.invars[0].aval.shape)) if axis not in gone]
    field = relabelled(joined(fields), {old: new for new, old in enumerate(kept)})
    return [field for _ in equation.outvars]


def broadcast(equation: Any, fields: list[Field]) -> list[Field]:
    old, new = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    places = enumerate(equation.params["broadcast_dimensions"])
    return [relabelled(fields[0], {a: b for a, b in places if old[a] == new[b]})]


def transposition(equation: Any, fields: list[Field]) -> list[Field]:
    return [relabelled(fields[0], {old: new for new, old in enumerate(equation.params["permutation"])})]


def reshaping(equation: Any, fields: list[Field]) -> list[Field]:
    old, new = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    return [unknown(fields[0]) if 0 in old else reshaped(fields[0], old, new)]


def reversal(equation: Any, fields: list[Field]) -> list[Field]:
    field = fields[0]
    for axis in equation.params["dimensions"]:
        field = each(field, lambda span, axis=axis: reversed_along(span, axis))
    return [field]


def look_up(equation: Any, fields: list[Field]) -> list[Field]:
    """A table read at positions, as embeddings and `take_along_axis` do.

    Where the table walks along an axis that is looked up, the place that is read is not known.
    """
    table, positions = fields
    numbers, out = equation.params["dimension_numbers"], equation.outvars[0].aval.shape
    batch = [axis for axis in range(len(out)) if axis not in numbers.offset_dims]
    shared = [batch[axis] for axis in numbers.start_indices_batching_dims]
    places = dict(zip(numbers.operand_batching_dims, shared, strict=True))
    sizes, shape = equation.params["slice_sizes"], equation.invars[0].aval.shape
    cut = [axis for axis in range(len(shape)) if axis not in (*numbers.collapsed_slice_dims, *places)]
    places |= {axis: new for axis, new in zip(cut, numbers.offset_dims, strict=True) if sizes[axis] == shape[axis]}
    read = [axis for axis in range(len(shape)) if axis not in places]
    seen = each(table, lambda span: None if span.along(*read) else moved(span, places))
    return [joined([seen, relabelled(positions, dict(enumerate(batch)))])]


def stacking(equation: Any, fields: list[Field]) -> list[Field]:
    new = equation.params["axis"]
    places = {axis: axis + (axis >= new) for axis in range(len(equation.invars[0].aval.shape))}
    return [relabelled(joined(fields), places)]
