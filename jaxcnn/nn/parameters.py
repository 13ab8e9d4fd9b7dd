"""The parameters of layers: drawn once in the constructor, in one dtype with the input at every call."""

from typing import Any

from flax import nnx

from jaxcnn.nn.options import function, inexact

default_kernel_init = nnx.initializers.glorot_uniform()


def parameter(init: nnx.Initializer, rngs: nnx.Rngs, shape: tuple[int, ...], param_dtype: Any) -> nnx.Param:
    """A parameter of `shape`, drawn from the stream `params`.

    Raises:
      ValueError: for a dtype that is neither floating nor complex, or an initializer that returns another shape.
      TypeError: for `rngs` or an initializer of another type.
    """
    dtype = inexact("param_dtype", param_dtype)
    value = function("an initializer", init)(streams(rngs).params(), shape, dtype)
    if getattr(value, "shape", shape) != shape:  # metadata around an array has none
        raise ValueError(f"an initializer must return the shape that it is asked for, {shape}; got {value.shape}")
    return nnx.Param(value)


def streams(rngs: Any) -> nnx.Rngs:
    """`rngs`, which must be an nnx.Rngs.

    Raises:
      TypeError: where it isn't.
    """
    if not isinstance(rngs, nnx.Rngs):
        raise TypeError(f"rngs must be an nnx.Rngs, such as nnx.Rngs(0); got {type(rngs).__name__}")
    return rngs


def bias_parameter(
    use_bias: bool, init: nnx.Initializer, rngs: nnx.Rngs, shape: tuple[int, ...], param_dtype: Any
) -> Any:
    """A bias of `shape`, or None in the same place of the module's tree."""
    return nnx.data(parameter(init, rngs, shape, param_dtype) if use_bias else None)


def value_of(variable: nnx.Param | None) -> Any:
    """A parameter's array; None for one that the layer does without."""
    return None if variable is None else variable[...]
