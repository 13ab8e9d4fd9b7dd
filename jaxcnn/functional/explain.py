"""The taps, products and sum behind one output cell: any convolution or pool as a hand calculation."""

import inspect
from collections.abc import Callable
from typing import Any

import jax

from jaxcnn import geometry
from jaxcnn.functional.conv import conv
from jaxcnn.functional.depthwise import depthwise_conv, separable_conv
from jaxcnn.functional.explain_cell import Question
from jaxcnn.functional.explain_conv import (
    conv_cell,
    depthwise_conv_cell,
    local_conv_cell,
    separable_conv_cell,
)
from jaxcnn.functional.explain_pool import avg_pool_cell, lp_pool_cell, max_pool_cell, min_pool_cell, sum_pool_cell
from jaxcnn.functional.explain_signal import convolve_cell, correlate_cell
from jaxcnn.functional.explain_transpose import conv_transpose_cell
from jaxcnn.functional.explanation import Explanation
from jaxcnn.functional.local import local_conv
from jaxcnn.functional.lp import lp_pool
from jaxcnn.functional.pool import avg_pool, max_pool, min_pool, sum_pool
from jaxcnn.functional.signal import convolve, correlate
from jaxcnn.functional.transpose import conv_transpose

EXPLAINED: dict[Any, Callable[..., Explanation]] = {
    conv: conv_cell,
    depthwise_conv: depthwise_conv_cell,
    separable_conv: separable_conv_cell,
    local_conv: local_conv_cell,
    conv_transpose: conv_transpose_cell,
    convolve: convolve_cell,
    correlate: correlate_cell,
    max_pool: max_pool_cell,
    min_pool: min_pool_cell,
    sum_pool: sum_pool_cell,
    avg_pool: avg_pool_cell,
    lp_pool: lp_pool_cell,
}


def explain(
    operation: Any, x: Any, *arguments: Any, at: Any, example: Any = 0, channel: Any = 0, **options: Any
) -> Explanation:
    """Print where one output cell comes from, as a hand calculation, and return its numbers.

    `F.explain(F.conv, x, kernel, bias, padding="SAME", at=(0, 2))` explains that cell of
    `F.conv(x, kernel, bias, padding="SAME")`. The operation runs too, and the text says so where its output differs
    from the calculation by more than rounding. Shows windows, padding and SciPy's two meanings; not for use under jit.

    Args:
      operation: `F.conv`, `F.depthwise_conv`, `F.separable_conv` (as one convolution by the product of its kernels),
        `F.local_conv`, `F.conv_transpose`, `F.convolve`, `F.correlate`, `F.max_pool`, `F.min_pool`, `F.sum_pool`,
        `F.avg_pool` or `F.lp_pool`.
      x, arguments, options: what the operation takes: arrays or a window, and keywords.
      at: the output cell's spatial position, one integer a dimension, from 0 on.
      example: which of the batch.
      channel: which output channel.

    Returns:
      An `Explanation`: pixels, window, taps, products, sum, bias, value and more; its str() is what is printed.

    Raises:
      ValueError: for another operation or a cell that the output doesn't have, and as the operation.
      TypeError: for arguments that the operation doesn't take or arrays without values (traced ones), and as the
        operation.
    """
    cell = _explainer(operation)
    bound = _bound(operation, x, arguments, options)

    def run() -> Any:
        return operation(*bound.args, **bound.kwargs)

    output = jax.eval_shape(run)
    question = Question(operation.__name__, run, output.shape, output.dtype, at, example, channel)
    try:
        explanation = cell(question, *bound.args, **bound.kwargs)
    except jax.errors.TracerArrayConversionError as error:
        raise TypeError(
            "explain needs arrays with values, got a traced one; call it outside jit, grad and vmap"
        ) from error
    print(explanation)
    return explanation


def _explainer(operation: Any) -> Callable[..., Explanation]:
    for explained, cell in EXPLAINED.items():
        if operation is explained:
            return cell
    names = ", ".join(f"F.{explained.__name__}" for explained in EXPLAINED)
    raise ValueError(f"operation must be one of {names}; got {geometry.shown(operation)}")


def _bound(operation: Any, x: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> inspect.BoundArguments:
    """The operation's arguments, all of them, defaults too.

    Raises:
      TypeError: where it takes others.
    """
    try:
        bound = inspect.signature(operation).bind(x, *arguments, **options)
    except TypeError as error:
        raise TypeError(
            f"arguments must be those of F.{operation.__name__}, and at, example and channel: {error}"
        ) from error
    bound.apply_defaults()
    return bound
