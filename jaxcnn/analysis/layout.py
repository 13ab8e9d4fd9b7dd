"""Which axes of the input are the examples and which are space."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax

from jaxcnn.analysis.equations import Event, walk
from jaxcnn.analysis.macs import CONVOLUTIONS
from jaxcnn.analysis.receptive_field import Field, source
from jaxcnn.analysis.shapes import is_array


@dataclass(frozen=True)
class Layout:
    """Axes of the input, by number."""

    batch: int | None
    spatial: tuple[int, ...]


def layout_of(jaxpr: Any, fields: list[Field], rank: int) -> Layout:
    """The layout that the first convolution takes its input in; without one, `(batch, *spatial, channels)`."""
    guess = Layout(0 if rank else None, tuple(range(1, rank - 1)))
    found = (convolution_layout(event) for event in walk(jaxpr, fields, guess.batch) if is_convolution(event))
    return next((layout for layout in found if layout.spatial), guess)


def is_convolution(event: Event) -> bool:
    return event.equation.primitive.name in CONVOLUTIONS and event.operands[0] is not None


def convolution_layout(event: Event) -> Layout:
    """The axes of the input that walk along a convolution's batch and spatial axes."""
    lhs_spec = event.equation.params["dimension_numbers"][0]
    batches, spatial = input_axes(event.operands[0], lhs_spec[:1]), input_axes(event.operands[0], lhs_spec[2:])
    return Layout(batches[0] if batches else None, tuple(spatial))


def input_axes(field: Field, axes: Iterable[int]) -> list[int]:
    """The axes of the input that walk along given array axes, in the order of these."""
    return [d for axis in axes for d, span in enumerate(field or ()) if span is not None and span.along(axis)]


def input_fields(inputs: tuple[Any, ...]) -> tuple[list[Field], int]:
    """The field of each array of the inputs, and the rank of the image among them.

    The image is the array of the highest rank that is an input by itself, the first of several; inputs of its shape
    are images beside it. All else, such as a pytree of parameters, is taken for constants.
    """
    shapes = [value.shape for value in inputs if is_array(value)] or [()]
    image = max(shapes, key=len)
    fields: list[Field] = []
    for value in inputs:
        is_image = is_array(value) and value.shape == image
        fields += [source(image) if is_image else None for _ in jax.tree.leaves(value)]
    return fields, len(image)


def receptive_field(sees: Field, layout: Layout) -> tuple[int, ...] | None:
    """Pixels that a cell sees along each spatial dimension; None if unknown, or without dependence on the input."""
    spans = None if sees is None else [sees[axis] for axis in layout.spatial]
    if spans is None or any(span is None for span in spans):
        return None
    return tuple(span.pixels for span in spans if span is not None)
