"""Kernels of Keras's layers: laid out as here, but for Keras 2's LocallyConnected, whose axes are merged."""

import math
from typing import Any

from jaxcnn import geometry
from jaxcnn.geometry import Size
from jaxcnn.interop.forms import (
    CONV,
    DEPTHWISE,
    LOCAL,
    SEPARABLE,
    Form,
    as_kernel,
    as_pair,
    contiguous,
    kind_of,
    our_form,
)

LOCALLY_CONNECTED = "(positions, window · in_channels, filters)"


def from_keras(kernel: Any, layer: Any, *, output_shape: Size | None = None, kernel_size: Size | None = None) -> Any:
    """A kernel of Keras as the kernel of `layer`: the same numbers in this library's layout.

    Args:
      kernel: laid out as here, so that only its rank is checked: of `Conv1D` … `Conv3D` (*window, in_channels //
        groups, filters), of `Conv2DTranspose` (*window, filters, in_channels), of `DepthwiseConv2D` (*window, channels,
        depth_multiplier), of `Dense` (inputs, units), of `SeparableConv2D` the pair (depthwise_kernel,
        pointwise_kernel). Merged: of Keras 2's `LocallyConnected2D`, implementation 1 with channels last, (positions,
        window · in_channels, filters). An array or a Keras variable.
      layer: the class or function that gets it: `nn.Conv`, `F.conv`, `nn.DepthwiseConv`, `flax.nnx.Linear`, ….
      output_shape: for a locally connected layer, its spatial output shape, N ints.
      kernel_size: for a locally connected layer, its window, N ints.

    A `Dense` behind a `Flatten` needs nothing either: Keras flattens channels last even where its images are
    channels first, if `Flatten` knows so (its `data_format`).

    Returns:
      The kernel, in the layout that `layer` documents, in the dtype that it came in; for a separable convolution the
      pair. A JAX array for a JAX array, else a NumPy array with memory of its own.

    Raises:
      ValueError: for a layer without a kernel, another rank, or shapes that don't fit.
      TypeError: for what NumPy can't read.

    Source: `keras.layers.Conv2D`, `keras.layers.LocallyConnected2D` (Keras 2).
    """
    kind = kind_of(layer)
    if kind is not LOCAL and not (output_shape is None and kernel_size is None):
        raise ValueError(
            f"output_shape and kernel_size must be left out for {layer.__name__}, whose kernel has them; got "
            f"{geometry.shown(output_shape)} and {geometry.shown(kernel_size)}"
        )
    if kind is LOCAL:
        array = as_kernel(kernel, Form(layer.__name__, f"Keras's {LOCALLY_CONNECTED}", (3,)))
        return contiguous(array.reshape(_local_shape(array.shape, output_shape, kernel_size)))
    return to_keras(kernel, layer)


def to_keras(kernel: Any, layer: Any) -> Any:
    """A kernel of `layer` as Keras's: what `from_keras` undoes.

    Args:
      kernel: as `layer` documents it; for a separable convolution the pair.
      layer: the class or function that it belongs to.

    Returns:
      Keras's kernel, for `layer.set_weights([kernel, bias])`, an array as in `from_keras`.

    Raises:
      ValueError, TypeError: as `from_keras`.
    """
    kind = kind_of(layer)
    if kind is SEPARABLE:
        depthwise, pointwise = as_pair(kernel, layer)
        return to_keras(depthwise, DEPTHWISE[0]), to_keras(pointwise, CONV[0])
    array = as_kernel(kernel, our_form(layer))
    if kind is LOCAL:
        spatial_dims = (array.ndim - 2) // 2
        array = array.reshape(math.prod(array.shape[:spatial_dims]), -1, array.shape[-1])
    return contiguous(array)


def _local_shape(shape: tuple[int, ...], output_shape: Any, kernel_size: Any) -> tuple[int, ...]:
    """(*out, *window, in_channels, out_channels) of a merged kernel of `shape`."""
    out, window = geometry.entries(output_shape), geometry.entries(kernel_size)
    if out is None or window is None or len(out) != len(window) or len(out) not in (1, 2, 3):
        raise ValueError(
            f"output_shape and kernel_size must be tuples of 1 to 3 ints each, since Keras's {LOCALLY_CONNECTED} "
            f"merges them; got {geometry.shown(output_shape)} and {geometry.shown(kernel_size)}"
        )
    out = geometry.as_sizes("output_shape", out, len(out))
    window = geometry.as_sizes("kernel_size", window, len(out))
    positions, inputs, filters = shape
    if math.prod(out) != positions or inputs % math.prod(window):
        raise ValueError(
            f"output_shape and kernel_size must fit Keras's {LOCALLY_CONNECTED}, here {shape}; got {out} and {window}"
        )
    return *out, *window, inputs // math.prod(window), filters
