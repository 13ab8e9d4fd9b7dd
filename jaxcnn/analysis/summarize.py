"""A model's summary: one trace on shapes, one walk over its equations, a row for each layer."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from jaxcnn.analysis.equations import walk
from jaxcnn.analysis.layers import call_tree
from jaxcnn.analysis.layout import input_fields, layout_of
from jaxcnn.analysis.memory import array_bytes
from jaxcnn.analysis.notes import notes_on
from jaxcnn.analysis.params import count_params, parameters, size
from jaxcnn.analysis.record import Row, Summary
from jaxcnn.analysis.rows import Modules, call_rows, failed, modules_of, uncalled_rows
from jaxcnn.analysis.shapes import abstract_inputs, is_array
from jaxcnn.analysis.trace import Trace, trace_function, trace_method


def summary(model_or_function: Any, *inputs: Any) -> Summary:
    """A row for each layer of a model, with its output shape, parameters, compute, memory and receptive field.

    Nothing is computed and no array is made: the model is traced on shapes alone, so that a model of any size, also
    one made under `nnx.eval_shape`, takes a second. The model keeps its state, mode and random streams.

    A layer is a module that calls no other; a module called twice has two rows, its parameters in the first. What a
    module computes beside its layers has rows too: convolutions, products and pooling, named by their primitive, as
    they are for a plain function. Parameters that sit beside the layers, and those of modules that were not called,
    have a row without an output. When a layer raises, its row is the last one, and `Summary.error` says how.

    Receptive fields are theoretical: not clipped at the borders for convolutions and pooling, clipped to the input
    where a layer takes in all of it. Batch statistics do not widen them. They refer to the input of highest rank.

    Args:
      model_or_function: an NNX module, a module's bound method, or a function of arrays.
      *inputs: one for each positional argument: an array or `jax.ShapeDtypeStruct`, batch dimension included, or a
        pytree of these.

    Returns:
      A `Summary`; print it, or use its rows.

    Raises:
      ValueError: there are no inputs.
      TypeError: the model can't be called, or an input is no array.

    Source: the layout is that of Keras's `Model.summary`; receptive fields follow Araujo et al., Distill, 2019.
    """
    check_callable(model_or_function)
    shapes = abstract_inputs(inputs)
    model = getattr(model_or_function, "__self__", model_or_function)
    if isinstance(model, nnx.Module):
        return module_summary(model, method_of(model_or_function), shapes)
    name = getattr(model_or_function, "__name__", type(model_or_function).__name__)
    rows, notes = table(trace_function(model_or_function, shapes), Modules(), shapes, name)
    return Summary(name, tuple(rows), 0, 0, 0, error_of(rows), notes)


def check_callable(model_or_function: Any) -> None:
    """Refuse what can't be called, and a class, whose call would make a model instead of running it."""
    kind = type(model_or_function).__name__
    if isinstance(model_or_function, type):
        raise TypeError(
            f"model_or_function must be a model, but is the class {model_or_function.__name__}; pass an instance, "
            "which nnx.eval_shape makes without memory."
        )
    if not callable(model_or_function):
        raise TypeError(
            f"model_or_function must have a __call__, but {kind} has none; pass a function or bound method."
        )


def method_of(model_or_method: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind a bound method, or behind the call of a module."""
    return getattr(model_or_method, "__func__", lambda model, *inputs: model(*inputs))


def module_summary(model: nnx.Module, method: Callable[..., Any], inputs: tuple[Any, ...]) -> Summary:
    """The summary of a call of a module's method."""
    name = type(model).__name__
    rows, notes = table(trace_method(model, method, inputs), modules_of(model), inputs, name)
    variables = [variable for _, variable in parameters(model)]
    size_bytes = sum(array_bytes(leaf) for leaf in jax.tree.leaves(variables) if is_array(leaf))
    total = sum(map(size, variables))
    return Summary(name, tuple(rows), total, count_params(model), size_bytes, error_of(rows), notes)


def table(trace: Trace, modules: Modules, inputs: tuple[Any, ...], name: str) -> tuple[list[Row], tuple[str, ...]]:
    """The rows of a trace and the notes on them."""
    jaxpr = trace.jaxpr.jaxpr
    fields, rank = input_fields(inputs)
    fields = [None] * (len(jaxpr.invars) - len(fields)) + fields
    layout = layout_of(jaxpr, fields, rank)
    events = list(walk(jaxpr, fields, layout.batch))
    rows = list(call_rows(call_tree(events), modules, layout))
    if trace.error is not None:
        return failed(rows, trace, modules, name), notes_on(events)
    return [*rows, *uncalled_rows(modules)], notes_on(events)


def error_of(rows: list[Row]) -> str | None:
    """Which layer failed and how, in a sentence."""
    last = rows[-1] if rows else None
    return f"{last.name} ({last.type}) raised {last.error}" if last and last.error else None
