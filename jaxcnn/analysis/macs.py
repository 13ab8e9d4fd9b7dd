"""Multiply-accumulates of one equation of a jaxpr."""

import math
from typing import Any

CONVOLUTIONS = ("conv_general_dilated", "jaxcnn_conv")


def equation_macs(equation: Any) -> int:
    """Multiplications that an equation adds up: those of convolutions and matrix products, 0 for any other.

    Pooling and element-wise operations count nothing, as in Keras and fvcore.
    """
    if equation.primitive.name in CONVOLUTIONS:
        return conv_macs(equation)
    if equation.primitive.name == "dot_general":
        return dot_macs(equation)
    return 0


def conv_macs(equation: Any) -> int:
    """Output elements × kernel taps × input channels of a group; taps on padding count, as in Keras and fvcore.

    Along a dimension with input dilation, the taps on the zeros between the input's elements do not count: there,
    each input element meets every tap once, which gives a transposed convolution the count of its adjoint.
    """
    lhs, rhs = (variable.aval.shape for variable in equation.invars[:2])
    out = equation.outvars[0].aval.shape
    lhs_spec, rhs_spec, out_spec = equation.params["dimension_numbers"]
    pairs = [
        pairs_along(lhs[i], rhs[k], out[o], stride, dilation)
        for i, k, o, stride, dilation in zip(
            lhs_spec[2:], rhs_spec[2:], out_spec[2:],
            equation.params["window_strides"], equation.params["lhs_dilation"], strict=True,
        )
    ]  # fmt: skip
    return out[out_spec[0]] * out[out_spec[1]] * rhs[rhs_spec[1]] * math.prod(pairs)


def pairs_along(lhs: int, taps: int, out: int, stride: int, input_dilation: int) -> int:
    """Pairs of output position and tap that meet along one dimension."""
    return out * taps if input_dilation == 1 else -(-lhs * taps // stride)


def dot_macs(equation: Any) -> int:
    """Batch × rows × columns × contracted length."""
    (lhs_contracting, _), _ = equation.params["dimension_numbers"]
    lhs = equation.invars[0].aval.shape
    return math.prod(equation.outvars[0].aval.shape) * math.prod(lhs[axis] for axis in lhs_contracting)
