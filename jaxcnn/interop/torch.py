"""Kernels of PyTorch's layers: channels first, the outputs' before the inputs'."""

import math
from typing import Any

from jaxcnn import geometry
from jaxcnn.geometry import Int, Size
from jaxcnn.interop.forms import (
    CONV,
    CONV_TRANSPOSE,
    DEPTHWISE,
    LINEAR,
    LOCAL,
    RANKS,
    SEPARABLE,
    Form,
    as_kernel,
    as_pair,
    contiguous,
    kind_of,
    our_form,
)

TORCH = {
    CONV: "(out_channels, in_channels // groups, *window)",
    CONV_TRANSPOSE: "(in_channels, out_channels // groups, *window)",
    DEPTHWISE: "(channels · multiplier, 1, *window)",
    LINEAR: "(out_features, in_features)",
}


def from_torch(kernel: Any, layer: Any, *, groups: Int | None = None, flattened: Size | None = None) -> Any:
    """A weight of PyTorch as the kernel of `layer`: the same numbers in this library's layout.

    Args:
      kernel: the `weight` of `torch.nn.Conv1d` … `Conv3d`: (out_channels, in_channels // groups, *window); of
        `ConvTranspose1d` … `3d`: (in_channels, out_channels // groups, *window); of `Linear`: (out_features,
        in_features). For a separable convolution the pair of its depthwise and its pointwise layer's weights. A
        tensor on the CPU without gradient, or any array.
      layer: the class or function that gets it: `nn.Conv`, `F.conv`, `nn.DepthwiseConv`, `flax.nnx.Linear`, ….
      groups: of PyTorch's layer. A depthwise convolution needs it, the number of its input channels; others' kernels
        are checked with it.
      flattened: for a `Linear` behind a `Flatten`, the (channels, *spatial) of the maps that were flattened: PyTorch
        flattens channels first and this library channels last, so the rows have to change places.

    Returns:
      The kernel, in the layout that `layer` documents, in the dtype that it came in; for a separable convolution the
      pair. A JAX array for a JAX array, else a NumPy array with memory of its own.

    Raises:
      ValueError: for a layer without a kernel that PyTorch has, another rank, or options that don't fit.
      TypeError: for what NumPy can't read: it names the way out for a tensor.

    Source: `torch.nn.Conv2d`, `torch.nn.ConvTranspose2d`, `torch.nn.Linear`.
    """
    kind, maps = _kind(layer), _maps(layer, flattened)
    if kind is SEPARABLE:
        depthwise, pointwise = as_pair(kernel, layer)
        return from_torch(depthwise, DEPTHWISE[0], groups=groups), from_torch(pointwise, CONV[0])
    array = as_kernel(kernel, Form(layer.__name__, f"PyTorch's {TORCH[kind]}", RANKS[kind]))
    groups = _checked_groups(layer, array.shape, groups)
    array = array.transpose(*range(2, array.ndim), 1, 0)
    if kind is DEPTHWISE:
        array = array.reshape(*array.shape[:-2], groups, -1)
    if maps is not None:
        array = _transposed_rows(array, maps, (maps[0], -1))
    return contiguous(array)


def to_torch(kernel: Any, layer: Any, *, flattened: Size | None = None) -> Any:
    """A kernel of `layer` as PyTorch's weight: what `from_torch` undoes.

    Args:
      kernel: as `layer` documents it; for a separable convolution the pair.
      layer: the class or function that it belongs to.
      flattened: as in `from_torch`.

    Returns:
      PyTorch's weight, an array as in `from_torch`; `torch.from_numpy` or, for a JAX array, `torch.from_dlpack` makes a
      tensor of it. PyTorch's depthwise layer has groups = channels.

    Raises:
      ValueError, TypeError: as `from_torch`.
    """
    kind, maps = _kind(layer), _maps(layer, flattened)
    if kind is SEPARABLE:
        depthwise, pointwise = as_pair(kernel, layer)
        return to_torch(depthwise, DEPTHWISE[0]), to_torch(pointwise, CONV[0])
    array = as_kernel(kernel, our_form(layer))
    if kind is DEPTHWISE:
        array = array.reshape(*array.shape[:-2], 1, -1)
    if maps is not None:
        array = _transposed_rows(array, maps, (-1, maps[0]))
    last = array.ndim - 1
    return contiguous(array.transpose(last, last - 1, *range(last - 1)))


def _kind(layer: Any) -> tuple[Any, ...]:
    kind = kind_of(layer)
    if kind is LOCAL:
        raise ValueError(
            f"layer must be one that PyTorch has, got {layer.__name__}; multiply its kernel there with "
            "what unfold returns"
        )
    return kind


def _checked_groups(layer: Any, shape: tuple[int, ...], groups: Any) -> int:
    """`groups`, which must divide the channels that PyTorch's weight of this shape starts with."""
    kind = kind_of(layer)
    if groups is None and kind is not DEPTHWISE:
        return 1
    if groups is None:
        raise ValueError(
            f"groups must be the number of input channels for {layer.__name__}, since PyTorch's weight of shape "
            f"{shape}, {TORCH[kind]}, does not tell them from the multiplier; got None"
        )
    groups = geometry.as_int("groups", groups, minimum=1)
    if kind is LINEAR or shape[0] % groups or (kind is DEPTHWISE and shape[1] != 1):
        raise ValueError(
            f"groups must fit the weight of {layer.__name__}, PyTorch's {TORCH[kind]}; got {groups} with shape {shape}"
        )
    return groups


def _maps(layer: Any, flattened: Any) -> tuple[int, ...] | None:
    """The (channels, *spatial) of maps that were flattened before a `Linear`, where some were."""
    if flattened is None:
        return None
    sizes = geometry.entries(flattened)
    if kind_of(layer) is not LINEAR or sizes is None or len(sizes) < 2:
        raise ValueError(
            f"flattened must be the (channels, *spatial) of maps before a Linear; got {geometry.shown(flattened)} with "
            f"{layer.__name__}"
        )
    return geometry.as_sizes("flattened", sizes, len(sizes))


def _transposed_rows(array: Any, maps: tuple[int, ...], blocks: tuple[int, int]) -> Any:
    """A `Linear`'s kernel with its rows, seen as a table of `blocks`, transposed."""
    if math.prod(maps) != array.shape[0]:
        raise ValueError(
            f"flattened must have the product {array.shape[0]}, the inputs of the Linear; got {maps}, whose product is "
            f"{math.prod(maps)}"
        )
    return array.reshape(*blocks, array.shape[1]).transpose(1, 0, 2).reshape(array.shape)
