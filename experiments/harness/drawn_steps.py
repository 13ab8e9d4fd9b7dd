"""Cells of a convolution as `F.explain` finds them, made ready to be drawn."""

import contextlib
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import jaxcnn.functional as F
from experiments.harness.by_hand import slide
from jaxcnn import geometry
from jaxcnn.functional.explanation import Explanation
from jaxcnn.geometry import Padding
from jaxcnn.visualization.window_steps import WindowStep

MOST_TERMS = 12  # that a calculation writes out


def explained(operation: Any, *arguments: Any, **options: Any) -> Explanation:
    """`F.explain` without its print."""
    with contextlib.redirect_stdout(io.StringIO()):
        return F.explain(operation, *arguments, **options)


def conv_steps(
    image: NDArray,
    kernel: NDArray,
    cells: Iterable[tuple[int, int]],
    *,
    bias: NDArray | None = None,
    strides: Sequence[int] = (1, 1),
    padding: Padding = "VALID",
    filters: Sequence[int] = (0,),
) -> list[WindowStep]:
    """A step for each cell, filter and input channel of `F.conv`, of an image (h, w, channels) and a whole kernel."""
    pads = geometry.padding_pairs(padding, image.shape[:2], kernel.shape[:2], strides=strides, dilation=(1, 1))
    x, taps = np.asarray(image, np.float32)[None], np.asarray(kernel, np.float32)
    offsets = None if bias is None else np.asarray(bias, np.float32)
    steps = []
    for cell in cells:
        for number in filters:
            found = explained(F.conv, x, taps, offsets, strides=strides, padding=padding, at=cell, channel=number)
            steps += _steps_of(found, image, kernel, strides, pads, len(filters))
    return steps


def _steps_of(
    found: Explanation, image: NDArray, kernel: NDArray, strides: Sequence[int], pads: Any, filters: int
) -> list[WindowStep]:
    """A step a channel; the last one also tells the sum over all of them."""
    assert found.taps is not None
    channels, steps = image.shape[2], []
    for channel in range(channels):
        padded = np.pad(image[..., channel], pads)
        part = slide(image[..., channel : channel + 1], kernel[..., channel : channel + 1, :], None, strides, pads)
        result = filled(part[..., found.channel], found.at)
        corner = (found.at[0] * strides[0], found.at[1] * strides[1])
        text = calculation(found.window[..., channel], found.taps[..., channel])
        if channel == channels - 1:
            text += total(found, channels)
            if channels == 1 and found.bias is not None:
                result = result + found.bias
        label = f"cell {found.at}"
        label += f", filter {found.channel}" if filters > 1 else ""
        label += f", channel {channel}" if channels > 1 else ""
        steps.append(WindowStep(label, padded, pads, corner, found.taps[..., channel], result, found.at, text))
    return steps


def signal_step(operation: Any, x: NDArray, kernel: NDArray, cell: int) -> WindowStep:
    """A cell of `F.convolve` or `F.correlate` with mode "valid", drawn as a row."""
    x, kernel = x.astype(np.float32), kernel.astype(np.float32)
    found = explained(operation, x, kernel, mode="valid", at=(cell,))
    assert found.taps is not None
    output = np.asarray(operation(x, kernel, mode="valid"))[None]
    name = "convolve, which flips the kernel" if operation is F.convolve else "correlate, as CNNs do"
    text = calculation(found.window, found.taps)
    pads = ((0, 0), (0, 0))
    return WindowStep(
        name, x[None], pads, (0, found.pixels[0][0]), found.taps[None], filled(output, (0, cell)), (0, cell), text
    )


def filled(result: NDArray, cell: tuple[int, ...]) -> NDArray:
    """The output as it stands once the window has come to `cell`, row by row; NaN where it hasn't been."""
    last = np.ravel_multi_index(cell, result.shape)
    flat = result.astype(np.float64).ravel()
    flat[last + 1 :] = np.nan
    return flat.reshape(result.shape)


def calculation(window: NDArray, taps: NDArray) -> str:
    """Such as "3·1 + 1·(−2) = 1"."""
    pairs = list(zip(window.ravel().tolist(), taps.ravel().tolist(), strict=True))
    terms = [f"{_number(pixel)}·{_factor(tap)}" for pixel, tap in pairs[:MOST_TERMS]]
    rest = f" + … {len(pairs) - MOST_TERMS} more" if len(pairs) > MOST_TERMS else ""
    return f"{' + '.join(terms)}{rest} = {_number(float((window * taps).sum()))}"


def total(found: Explanation, channels: int) -> str:
    """What becomes of the channels' sums, and of the bias."""
    summed = f"; all {channels} channels: {_number(found.sum)}" if channels > 1 else ""
    if found.bias is None:
        return summed
    return f"{summed}; {_number(found.sum)} + bias {_factor(found.bias)} = {_number(found.by_hand)}"


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}".replace("-", "−")


def _factor(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)
