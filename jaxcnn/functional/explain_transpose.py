"""The pixels and taps behind one output cell of the transposed convolution."""

from typing import Any

import numpy as np

from jaxcnn import geometry
from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.explain_cell import Question, bias_of, image_and_cell, wide
from jaxcnn.functional.explanation import Explanation, weighted_sum
from jaxcnn.functional.layout import DataFormat
from jaxcnn.functional.transpose import output_pads
from jaxcnn.geometry import Padding, Size


def conv_transpose_cell(
    question: Question,
    x: Any,
    kernel: Any,
    bias: Any,
    *,
    strides: Size,
    padding: Padding,
    output_padding: Size,
    output_shape: Size | None,
    kernel_dilation: Size,
    groups: Any,
    data_format: DataFormat,
    precision: Any,
) -> Explanation:
    """One output cell of `conv_transpose`: the pixels that spread to it, each with the tap that it meets there."""
    kernel = wide(as_array("kernel", kernel), question.dtype)
    spatial_dims = kernel.ndim - 2
    image, cell = image_and_cell(question, x, spatial_dims, data_format)
    strides = geometry.as_sizes("strides", strides, spatial_dims)
    dilation = geometry.as_sizes("kernel_dilation", kernel_dilation, spatial_dims)
    pads = output_pads(
        image.shape[:-1],
        kernel.shape[:-2],
        strides=strides,
        padding=padding,
        output_padding=geometry.as_sizes("output_padding", output_padding, spatial_dims, minimum=0),
        output_shape=None if output_shape is None else geometry.as_sizes("output_shape", output_shape, spatial_dims),
        dilation=dilation,
    )
    axes = zip(cell.at, image.shape, kernel.shape, strides, dilation, [low for low, _ in pads], strict=False)
    pixels, taps = zip(*(_meetings(*axis) for axis in axes), strict=True)
    group, feature = divmod(cell.channel, kernel.shape[-2])
    channels = range(group * kernel.shape[-1] // groups, (group + 1) * kernel.shape[-1] // groups)
    window = image[np.ix_(*pixels, channels)]
    met = kernel[..., feature, :][np.ix_(*taps, channels)]
    return weighted_sum(cell, (*pixels, channels), window, met, bias_of(cell, bias, question.dtype))


def _meetings(
    at: int, size: int, window: int, stride: int, dilation: int, low: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The pixels along one dimension that spread to position `at`, and the tap that each meets there."""
    place = at + geometry.dilated(window, dilation) - 1 - low
    found = [(*divmod(place - tap * dilation, stride), tap) for tap in reversed(range(window))]
    met = [(pixel, tap) for pixel, off, tap in found if not off and 0 <= pixel < size]
    return tuple(pixel for pixel, _ in met), tuple(tap for _, tap in met)
