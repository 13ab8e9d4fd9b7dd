"""Computing in a narrower dtype than the parameters have."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx


def compute_in(model: nnx.Module, dtype: np.dtype) -> None:
    """Has every layer of the model that names no dtype compute in this one.

    Flax's and our layers cast parameters and inputs to their `dtype` themselves. The parameters of modules without
    such an attribute are cast here; BatchNorm keeps its statistics and their arithmetic as wide as they are. A layer
    that names a dtype keeps it.

    Args:
      model: changed in place: a copy that lives for one call.
      dtype: floating.
    """
    layer: Any
    for _, layer in nnx.iter_modules(model):
        if not hasattr(layer, "dtype"):
            _cast_parameters(layer, dtype)
        elif layer.dtype is None:
            layer.dtype = dtype
            if isinstance(layer, nnx.BatchNorm):
                layer.promote_dtype = _leave  # Flax's would narrow the running statistics


def _leave(arrays: Any, **_: Any) -> Any:
    return arrays


def _cast_parameters(module: nnx.Module, dtype: np.dtype) -> None:
    for value in vars(module).values():
        if isinstance(value, nnx.Param) and jnp.issubdtype(value.dtype, jnp.floating):
            value.set_value(value.get_value().astype(dtype))
