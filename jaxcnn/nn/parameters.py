"""The parameters of layers: drawn once in the constructor, in one dtype with the input at every call."""

from typing import Any

from flax import nnx

from jaxcnn.nn.options import inexact

default_kernel_init = nnx.initializers.glorot_uniform()


def parameter(init: nnx.Initializer, rngs: nnx.Rngs, shape: tuple[int, ...], param_dtype: Any) -> nnx.Param:
    """A parameter of `shape`, drawn from the stream `params`.

    Raises:
      ValueError: for a dtype that is neither floating nor complex.
    """
    return nnx.Param(init(rngs.params(), shape, inexact("param_dtype", param_dtype)))


def bias_parameter(
    use_bias: bool, init: nnx.Initializer, rngs: nnx.Rngs, shape: tuple[int, ...], param_dtype: Any
) -> Any:
    """A bias of `shape`, or None in the same place of the module's tree."""
    return nnx.data(parameter(init, rngs, shape, param_dtype) if use_bias else None)


def value_of(variable: nnx.Param | None) -> Any:
    """A parameter's array; None for one that the layer does without."""
    return None if variable is None else variable[...]
