"""The windows and taps behind one output cell of the convolutions."""

from typing import Any, NamedTuple

import numpy as np

from jaxcnn import geometry
from jaxcnn.functional.conv import PADDING_MODES, PaddingMode
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.explain_cell import Question, bias_of, image_and_cell, wide
from jaxcnn.functional.explanation import Explanation, weighted_sum
from jaxcnn.functional.layout import DataFormat
from jaxcnn.geometry import Padding, Size


class _Walk(NamedTuple):
    """How a window walks over an image: options as `conv` takes them."""

    strides: Size
    padding: Padding
    dilation: Size
    padding_mode: PaddingMode = "zeros"
    input_dilation: Size = 1


# Each takes every argument of its operation; `precision` is the only one that doesn't say where anything lies.


def conv_cell(
    question: Question,
    x: Any,
    kernel: Any,
    bias: Any,
    *,
    strides: Size,
    padding: Padding,
    padding_mode: PaddingMode,
    input_dilation: Size,
    kernel_dilation: Size,
    groups: Any,
    data_format: DataFormat,
    precision: Any,
) -> Explanation:
    """One output cell of `conv`."""
    walk = _Walk(strides, padding, kernel_dilation, padding_mode, input_dilation)
    kernel = wide(as_array("kernel", kernel), question.dtype)
    return _shared_cell(question, x, kernel, bias, groups, walk, data_format)


def depthwise_conv_cell(
    question: Question,
    x: Any,
    kernel: Any,
    bias: Any,
    *,
    strides: Size,
    padding: Padding,
    padding_mode: PaddingMode,
    input_dilation: Size,
    kernel_dilation: Size,
    data_format: DataFormat,
    precision: Any,
) -> Explanation:
    """One output cell of `depthwise_conv`."""
    walk = _Walk(strides, padding, kernel_dilation, padding_mode, input_dilation)
    kernel = wide(as_array("kernel", kernel), question.dtype)
    *window, channels, multiplier = kernel.shape
    kernel = kernel.reshape(*window, 1, channels * multiplier)
    return _shared_cell(question, x, kernel, bias, channels, walk, data_format)


def separable_conv_cell(
    question: Question,
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    bias: Any,
    *,
    strides: Size,
    padding: Padding,
    padding_mode: PaddingMode,
    input_dilation: Size,
    kernel_dilation: Size,
    data_format: DataFormat,
    precision: Any,
) -> Explanation:
    """One output cell of `separable_conv`, as the convolution whose kernel is the product of the two."""
    walk = _Walk(strides, padding, kernel_dilation, padding_mode, input_dilation)
    depthwise = wide(as_array("depthwise_kernel", depthwise_kernel), question.dtype)
    pointwise = wide(as_array("pointwise_kernel", pointwise_kernel), question.dtype)
    kernel = np.einsum("...cm,cmo->...co", depthwise, pointwise.reshape(*depthwise.shape[-2:], -1))
    return _shared_cell(question, x, kernel, bias, 1, walk, data_format)


def local_conv_cell(
    question: Question,
    x: Any,
    kernel: Any,
    bias: Any,
    *,
    strides: Size,
    padding: Padding,
    kernel_dilation: Size,
    data_format: DataFormat,
    precision: Any,
) -> Explanation:
    """One output cell of `local_conv`: the kernel is that cell's own."""
    kernel = wide(as_array("kernel", kernel), question.dtype)
    image, cell = image_and_cell(question, x, (kernel.ndim - 2) // 2, data_format)
    taps = kernel[cell.at][..., cell.channel]
    window, pixels = _window(image, cell.at, taps.shape[:-1], _Walk(strides, padding, kernel_dilation))
    bias = bias_of(cell, bias, question.dtype)
    return weighted_sum(cell, (*pixels, range(window.shape[-1])), window, taps, bias, unflipped=taps)


def _shared_cell(
    question: Question, x: Any, kernel: np.ndarray, bias: Any, groups: Any, walk: _Walk, data_format: DataFormat
) -> Explanation:
    """One output cell of a convolution with a kernel of (*window, in_channels // groups, out_channels)."""
    image, cell = image_and_cell(question, x, kernel.ndim - 2, data_format)
    window, pixels = _window(image, cell.at, kernel.shape[:-2], walk)
    per_group = kernel.shape[-2]
    first = cell.channel // (kernel.shape[-1] // groups) * per_group
    channels, taps = range(first, first + per_group), kernel[..., cell.channel]
    return weighted_sum(
        cell, (*pixels, channels), window[..., channels], taps, bias_of(cell, bias, question.dtype), unflipped=taps
    )


def _window(
    image: np.ndarray, at: tuple[int, ...], window: tuple[int, ...], walk: _Walk
) -> tuple[np.ndarray, tuple[tuple[int, ...], ...]]:
    """What the window of cell `at` sees of (*spatial, channels), padding included, and at which positions."""
    strides = geometry.as_sizes("strides", walk.strides, len(window))
    dilation = geometry.as_sizes("kernel_dilation", walk.dilation, len(window))
    pairs = geometry.padding_pairs(walk.padding, image.shape[:-1], window, strides=strides, dilation=dilation)
    image = _apart(image, geometry.as_sizes("input_dilation", walk.input_dilation, len(window)))
    mode: Any = PADDING_MODES[walk.padding_mode]
    image = np.pad(image, [*pairs, (0, 0)], mode)
    corners = [cell * stride for cell, stride in zip(at, strides, strict=True)]
    seen = [range(c, c + geometry.dilated(w, d), d) for c, w, d in zip(corners, window, dilation, strict=True)]
    pixels = tuple(tuple(pixel - low for pixel in axis) for axis, (low, _) in zip(seen, pairs, strict=True))
    return image[np.ix_(*seen)], pixels


def _apart(image: np.ndarray, dilation: tuple[int, ...]) -> np.ndarray:
    """The image with `dilation` − 1 zeros between neighbouring pixels."""
    sizes = [geometry.dilated(size, d) for size, d in zip(image.shape, dilation, strict=False)]
    apart = np.zeros((*sizes, image.shape[-1]), image.dtype)
    apart[tuple(slice(None, None, d) for d in dilation)] = image
    return apart
