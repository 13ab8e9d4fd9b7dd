"""The layouts of kernels, and arrays of any library that are read by them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from jaxcnn import functional as F
from jaxcnn import geometry, nn

CONV = (nn.Conv, F.conv, nnx.Conv)
CONV_TRANSPOSE = (nn.ConvTranspose, F.conv_transpose)
DEPTHWISE = (nn.DepthwiseConv, F.depthwise_conv)
SEPARABLE = (nn.SeparableConv, F.separable_conv)
LOCAL = (nn.LocalConv, F.local_conv)
LINEAR = (nnx.Linear,)
OURS = {
    CONV: "(*window, in_channels // groups, out_channels)",
    CONV_TRANSPOSE: "(*window, out_channels // groups, in_channels)",
    DEPTHWISE: "(*window, channels, multiplier)",
    LOCAL: "(*out, *window, in_channels, out_channels)",
    LINEAR: "(in_features, out_features)",
}
RANKS = {CONV: (3, 4, 5), CONV_TRANSPOSE: (3, 4, 5), DEPTHWISE: (3, 4, 5), LOCAL: (4, 6, 8), LINEAR: (2,)}


class Form(NamedTuple):
    """A kernel's shape in words, the ranks that it may have, and the name of its layer."""

    layer: str
    shape: str
    ranks: Sequence[int]


def kind_of(layer: Any) -> tuple[Any, ...]:
    """The layers and functions that share a kernel's layout with `layer`.

    Raises:
      ValueError: for one without a kernel that is known here.
    """
    kinds = (CONV, CONV_TRANSPOSE, DEPTHWISE, SEPARABLE, LOCAL, LINEAR)
    # By identity: what was passed instead of a class, an array say, may not compare.
    for kind in kinds:
        if any(layer is known for known in kind):
            return kind
    names = ", ".join(f"nn.{kind[0].__name__}" for kind in kinds[:-1])
    raise ValueError(
        f"layer must be one of the classes {names}, their functions in jaxcnn.functional, flax.nnx.Conv or "
        f"flax.nnx.Linear; got {geometry.shown(layer)}; biases and normalisations are taken as they are"
    )


def our_form(layer: Any) -> Form:
    """The form of a kernel of `layer` in this library."""
    kind = kind_of(layer)
    return Form(layer.__name__, OURS[kind], RANKS[kind])


def as_kernel(kernel: Any, form: Form) -> Any:
    """A JAX array as it is, anything else as a NumPy array that shares no memory with it.

    Raises:
      ValueError: for another rank than the form has, or an empty kernel.
      TypeError: for what NumPy can't read as numbers.
    """
    array = kernel if isinstance(kernel, Array) else _read(kernel)
    if array.ndim not in form.ranks or 0 in array.shape:
        raise ValueError(
            f"kernel of {form.layer} must have shape {form.shape} with {' or '.join(map(str, form.ranks))} axes, none "
            f"of them empty; got shape {tuple(array.shape)}"
        )
    return array


def _read(kernel: Any) -> np.ndarray:
    try:
        array = np.array(kernel)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"kernel must be an array that NumPy can read, got {type(kernel).__name__} ({error}); a PyTorch tensor "
            "needs .detach() where it requires grad, .cpu() on another device, .float() in bfloat16"
        ) from error
    if not jnp.issubdtype(array.dtype, jnp.number):
        raise TypeError(f"kernel must be an array of numbers, got {type(kernel).__name__} of {array.dtype}")
    return array


def as_pair(kernels: Any, layer: Any) -> tuple[Any, Any]:
    """A separable convolution's two kernels.

    Raises:
      ValueError: for anything but a tuple or a list of two.
    """
    if not isinstance(kernels, tuple | list) or len(kernels) != 2:
        raise ValueError(
            f"kernel of {layer.__name__} must be a pair (depthwise_kernel, pointwise_kernel); got "
            f"{type(kernels).__name__}" + (f" of {len(kernels)}" if isinstance(kernels, tuple | list) else "")
        )
    return kernels[0], kernels[1]


def contiguous(array: Any) -> Any:
    """`array` in row-major order; a JAX array is as it is."""
    return array if isinstance(array, Array) else np.ascontiguousarray(array)
