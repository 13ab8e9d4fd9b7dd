"""Receptive fields through what slides or cuts along axes: convolutions, pooling, slices, pads, concatenations."""

from collections.abc import Sequence
from typing import Any

from jaxcnn.analysis.receptive_field import Field, Span, consumed, each, joined, moved, union, unknown, whole, window


def convolution(equation: Any, fields: list[Field]) -> list[Field]:
    lhs, rhs = fields
    if equation.params["batch_group_count"] != 1:
        return [unknown(joined(fields))]
    return [union(each(lhs, lambda span: convolved(equation, span)), each(rhs, whole))]


def convolved(equation: Any, span: Span) -> Span | None:
    params = equation.params
    lhs_spec, rhs_spec, out_spec = (tuple(map(int, spec)) for spec in params["dimension_numbers"])
    taps, out = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
    result: Span | None = consumed(span, lhs_spec[1])
    for d, axis in enumerate(lhs_spec[2:]):
        result = result and window(
            result,
            axis,
            taps[rhs_spec[2 + d]],
            count=out[out_spec[2 + d]],
            stride=int(params["window_strides"][d]),
            pad_low=int(params["padding"][d][0]),
            dilation=int(params["rhs_dilation"][d]),
            input_dilation=int(params["lhs_dilation"][d]),
        )
    places = {lhs_spec[0]: out_spec[0]} | dict(zip(lhs_spec[2:], out_spec[2:], strict=True))
    return result and moved(result, places)


def pooling(equation: Any, fields: list[Field]) -> list[Field]:
    operands = joined(fields[: len(equation.outvars)])
    return [each(operands, lambda span: pooled(equation, span)) for _ in equation.outvars]


def pooled(equation: Any, span: Span) -> Span | None:
    params, out = equation.params, equation.outvars[0].aval.shape
    result: Span | None = span
    for axis, taps in enumerate(params["window_dimensions"]):
        result = result and window(
            result,
            axis,
            int(taps),
            count=out[axis],
            stride=int(params["window_strides"][axis]),
            pad_low=int(params["padding"][axis][0]),
            dilation=int(params["window_dilation"][axis]),
            input_dilation=int(params["base_dilation"][axis]),
        )
    return result


def cut(field: Field, shape: Sequence[int], starts: Sequence[int], strides: Sequence[int] | None = None) -> Field:
    """The field of `shape` cells from `starts` on; a negative start is padding."""
    for axis, count in enumerate(shape):
        options = {"count": count, "pad_low": -int(starts[axis]), "stride": int(strides[axis]) if strides else 1}
        field = each(field, lambda span, axis=axis, options=options: window(span, axis, **options))
    return field


def slicing(equation: Any, fields: list[Field]) -> list[Field]:
    starts = [int(n) for n in equation.params["start_indices"]]
    strides = [int(n) for n in equation.params["strides"] or [1] * len(starts)]
    return [cut(fields[0], equation.outvars[0].aval.shape, starts, strides)]


def splitting(equation: Any, fields: list[Field]) -> list[Field]:
    axis, sizes = equation.params["axis"], [int(n) for n in equation.params["sizes"]]
    shapes = [variable.aval.shape for variable in equation.outvars]
    return [cut(fields[0], shape, only(axis, sum(sizes[:n]), shape)) for n, shape in enumerate(shapes)]


def only(axis: int, value: int, shape: Sequence[int]) -> list[int]:
    """A start for every axis of a shape, 0 but for one."""
    return [value if a == axis else 0 for a in range(len(shape))]


def padding(equation: Any, fields: list[Field]) -> list[Field]:
    """What a padding value may depend on is left aside."""
    field, out = fields[0], equation.outvars[0].aval.shape
    for axis, (low, _, interior) in enumerate(equation.params["padding_config"]):
        options = {"count": out[axis], "pad_low": int(low), "input_dilation": int(interior) + 1}
        field = each(field, lambda span, axis=axis, options=options: window(span, axis, **options))
    return [field]


def concatenation(equation: Any, fields: list[Field]) -> list[Field]:
    """The union of the parts; along an axis that walks, the largest part, to which the others are borders.

    Parts without an element, such as those of `jnp.pad` along axes that it leaves alone, say nothing.
    """
    axis, out = equation.params["dimension"], equation.outvars[0].aval.shape
    sizes = [variable.aval.shape[axis] for variable in equation.invars]
    parts = [
        (size, cut(field, out, only(axis, -sum(sizes[:n]), out)))
        for n, (size, field) in enumerate(zip(sizes, fields, strict=True))
        if size
    ]
    parts = sorted((part for part in parts if part[1] is not None), key=lambda part: -part[0])
    fields = [field for _, field in parts]
    spans = zip(*[field for field in fields if field], strict=True)
    return [tuple(main(axis, column) for column in spans)]


def main(axis: int, spans: tuple[Span | None, ...]) -> Span | None:
    """The first of some spans if it walks along an axis, else their union."""
    first = spans[0]
    if first is not None and first.along(axis):
        return first
    (result,) = joined([(span,) for span in spans]) or (None,)
    return result
