"""How each primitive carries receptive fields from its operands to its results.

A primitive without a rule gives an unknown field, never a guess.
"""

from collections.abc import Callable
from typing import Any

from jaxcnn.analysis import axis_rules, window_rules
from jaxcnn.analysis.receptive_field import Field, consumed, each, joined, unknown

Rule = Callable[[Any, list[Field]], list[Field]]

# fmt: off
ELEMENTWISE = frozenset((
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh",
    "bitcast_convert_type", "cbrt", "ceil", "clamp", "clz", "complex", "conj", "convert_element_type", "copy",
    "copy_p", "cos", "cosh", "device_put", "digamma", "div", "eq", "eq_to", "erf", "erf_inv", "erfc", "exp", "exp2",
    "expm1", "floor", "ge", "gt", "imag", "integer_pow", "is_finite", "le", "le_to", "lgamma", "log", "log1p",
    "logistic", "lt", "lt_to", "max", "min", "mul", "name", "ne", "neg", "nextafter", "not", "optimization_barrier",
    "or", "population_count", "pow", "pvary", "real", "reduce_precision", "rem", "round", "rsqrt", "select_n",
    "sharding_constraint", "shift_left", "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "sinh",
    "sqrt", "square", "stop_gradient", "sub", "tan", "tanh", "xor",
))
# fmt: on


def propagate(equation: Any, fields: list[Field], batch_axis: int | None) -> list[Field]:
    """Fields of an equation's results, given its operands' fields and which axis of the input is the batch.

    Statistics over the batch, BatchNorm's in training, depend on the input but are constants at inference; as in the
    literature they do not widen a receptive field.
    """
    if all(field is None for field in fields) or is_batch_statistic(equation, fields, batch_axis):
        return [None for _ in equation.outvars]
    return rule_for(equation)(equation, fields)


def is_batch_statistic(equation: Any, fields: list[Field], batch_axis: int | None) -> bool:
    """Whether an equation reduces over the axis of the examples."""
    axes = equation.params.get("axes", ())
    spans = [field[batch_axis] for field in fields if field is not None and batch_axis is not None]
    return any(span is not None and span.along(*axes) for span in spans)


def rule_for(equation: Any) -> Rule:
    """The rule of an equation's primitive."""
    name = equation.primitive.name
    if name in ELEMENTWISE:
        return elementwise
    if name.startswith("reduce_window"):
        return window_rules.pooling
    if name.startswith("cum"):
        return cumulative
    return RULES.get(name, axis_rules.reduction if "axes" in equation.params else not_understood)


def elementwise(equation: Any, fields: list[Field]) -> list[Field]:
    return [joined(fields)] if len(equation.outvars) == 1 else fields


def cumulative(equation: Any, fields: list[Field]) -> list[Field]:
    axis = equation.params["axis"]
    return [each(joined(fields), lambda span: consumed(span, axis)) for _ in equation.outvars]


def not_understood(equation: Any, fields: list[Field]) -> list[Field]:
    return [unknown(joined([unknown(field) for field in fields])) for _ in equation.outvars]


RULES: dict[str, Rule] = {
    "broadcast_in_dim": axis_rules.broadcast,
    "concatenate": window_rules.concatenation,
    "conv_general_dilated": window_rules.convolution,
    "dot_general": axis_rules.product,
    "gather": axis_rules.look_up,
    "jaxcnn_conv": window_rules.convolution,
    "pad": window_rules.padding,
    "reduce": axis_rules.reduction,
    "reshape": axis_rules.reshaping,
    "rev": axis_rules.reversal,
    "slice": window_rules.slicing,
    "split": window_rules.splitting,
    "squeeze": axis_rules.reduction,
    "stack": axis_rules.stacking,
    "transpose": axis_rules.transposition,
}
