"""The numbers of the slides' convolutions, and each of them calculated by hand and by the library."""

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

import jaxcnn.functional as F
from experiments.harness.by_hand import Check, slide
from jaxcnn import geometry
from jaxcnn.geometry import Padding

ROW = np.array([3, 1, 0, 7])
ROW_WEIGHTS, ROW_BIAS = np.array([2, -1, 3]), 1
SIGNAL, SIGNAL_KERNEL = np.array([2, 8, 3, 7, 1, 2, 0, 4, 5]), np.array([2, 1, 5, 3])
PRINTED_SIGNALS = {
    ("convolve", "valid"): [63, 48, 49, 28, 21, 20],
    ("correlate", "valid"): [48, 57, 24, 25, 16, 39],
    ("correlate", "full"): [6, 34, 51, 48, 57, 24, 25, 16, 39, 29, 13, 10],
    ("correlate", "same"): [34, 51, 48, 57, 24, 25, 16, 39, 29],
}
SQUARE = np.array([[3, 1, 0, 1], [6, 4, 8, 2], [4, 5, 1, 1], [3, 2, 5, 8]])
COUNTING = np.arange(1, 10).reshape(3, 3)
PADDED_SQUARE = np.array([[3, 1, 0, 1], [6, 4, 2, 2], [4, 5, 1, 1], [3, 2, 5, 2]])
STRIDED_SQUARE = np.array([[3, 1, 0, 1], [6, 4, 9, 2], [4, 5, 1, 1], [3, 2, 5, 9]])
CORNER = np.array([[2, 0], [0, 0]])
ELEVEN, ELEVEN_KERNEL = np.array([[1, 2], [-1, 5]]), np.array([[2, 1], [3, 2]])
CROSS_IMAGE = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
CROSS = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
GREEN = np.array([[0, 1, 1, 0, 1], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
BLUE = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 1], [0, 1, 1, 1, 0], [0, 1, 1, 0, 0]])
COLOURS = np.stack([CROSS_IMAGE, GREEN, BLUE], axis=-1)
NINE_SAME = np.array([[12, 16, 9], [24, 28, 15], [15, 17, 9]])
FIVE = np.array([[2, 1, 2, 0, 1], [1, 3, 2, 2, 3], [1, 1, 3, 3, 0], [2, 2, 0, 1, 1], [0, 0, 3, 1, 2]])
TWO_FILTERS = np.stack([[[2, 3], [0, 1]], [[0.1, 0.2], [0.3, 0.4]]], axis=-1)[:, :, None, :]
PRINTED_FIVE = np.stack(
    [
        [[10, 10, 6, 6], [12, 15, 13, 13], [7, 11, 16, 7], [10, 7, 4, 7]],
        [[1.9, 2.2, 1.6, 2.0], [1.4, 2.2, 2.7, 1.7], [1.7, 1.3, 1.3, 1.0], [0.6, 1.4, 1.5, 1.4]],
    ],
    axis=-1,
)
# The text lists nine columns for an (8, 8, 1) image; these eight are the ones that the printed result follows from.
FOUR = np.zeros((8, 8), int)
FOUR[1:4, [1, 5]], FOUR[4, 1:7], FOUR[5:7, 5] = 1, 1, 1
PRINTED_FOUR = np.array(
    [
        [1, 1, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, 0],
        [-1, -2, -3, -2, -2, -1],
        [3, 5, 6, 4, 4, 2],
        [-2, -3, -3, -2, -2, -1],
        [0, 0, 0, 1, 1, 1],
    ]
)
VERTICAL_EDGE = np.array([[0, 0, 0], [-1, 1, 0], [0, 0, 0]])
HORIZONTAL_EDGE = np.array([[0, -1, 0], [0, 1, 0], [0, 0, 0]])
LINE = np.array([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]])
MASKS = {"vertical edges": VERTICAL_EDGE, "horizontal edges": HORIZONTAL_EDGE, "horizontal lines": LINE}
# Kernels of our own for the colours: the slides' are in pictures that the text lost.
COLOUR_FILTERS = np.stack(
    [
        np.stack([VERTICAL_EDGE, HORIZONTAL_EDGE, LINE], axis=-1),
        np.stack([CROSS, -CROSS, np.ones_like(CROSS)], axis=-1),
    ],
    axis=-1,
)
COLOUR_BIASES = np.array([1, 0])


def check_signal(operation: str, mode: Any) -> Check:
    """One of SciPy's modes in one dimension: of `convolve` the kernel is flipped first."""
    taps = SIGNAL_KERNEL[::-1] if operation == "convolve" else SIGNAL_KERNEL
    full = len(taps) - 1
    # SciPy centres: a convolution's extra zero of an even kernel stands in front, and a correlation's too.
    pads = {"valid": (0, 0), "full": (full, full), "same": (full - (full // 2), full // 2)}[mode]
    padded = np.pad(SIGNAL, pads)
    by_hand = np.array([padded[i : i + len(taps)] @ taps for i in range(len(padded) - full)])
    library = signal(operation, SIGNAL, SIGNAL_KERNEL, mode)
    printed = PRINTED_SIGNALS.get((operation, mode))
    return Check(f"1-D {operation}, {mode}", by_hand, library, None if printed is None else np.array(printed))


def check_plane(operation: str, mode: Any) -> Check:
    """The same in two dimensions, where SciPy's correlate2d centres "same" as TensorFlow does."""
    taps = CORNER[::-1, ::-1] if operation == "convolve" else CORNER
    full, middle = len(CORNER) - 1, (len(CORNER) - 1) // 2
    same = (full - middle, middle) if operation == "convolve" else (middle, full - middle)
    pads = {"valid": (0, 0), "full": (full, full), "same": same}[mode]
    by_hand = slide(as_image(COUNTING), as_kernel(taps, channels=1), None, (1, 1), (pads, pads))[..., 0]
    return Check(f"2-D {operation}, {mode}", by_hand, signal(operation, COUNTING, CORNER, mode))


def signal(operation: str, x: NDArray, kernel: NDArray, mode: Any) -> NDArray:
    """What the library's `convolve` or `correlate` gives, in float32: not every device convolves integers."""
    function = F.convolve if operation == "convolve" else F.correlate
    with jax.default_matmul_precision("highest"):
        return np.asarray(function(np.asarray(x, np.float32), np.asarray(kernel, np.float32), mode=mode))


def check_conv(
    what: str,
    image: NDArray,
    kernel: NDArray,
    *,
    bias: NDArray | None = None,
    strides: Any = 1,
    padding: Padding = "VALID",
    printed: NDArray | None = None,
) -> Check:
    """A 2-D convolution; an image without channels has one, a kernel of two axes one filter."""
    x, taps = as_image(image), as_kernel(kernel, channels=as_image(image).shape[-1])
    stride = geometry.as_sizes("strides", strides, 2)
    pads = geometry.padding_pairs(padding, x.shape[:2], taps.shape[:2], strides=stride, dilation=(1, 1))
    # The hand has no rule for a window that doesn't fit; geometry says what is wrong with it.
    geometry.conv_output_shape(x.shape[:2], taps.shape[:2], strides=stride, padding=padding)
    by_hand = slide(x, taps, bias, stride, pads)
    offsets = None if bias is None else np.asarray(bias, np.float32)
    batch, weights = np.asarray(x, np.float32)[None], np.asarray(taps, np.float32)
    found = F.conv(batch, weights, offsets, strides=stride, padding=padding, precision="highest")
    if printed is not None:
        printed = printed.reshape(by_hand.shape)
    scale = float(np.abs(x).max() * np.abs(taps).sum())
    return Check(what, by_hand, np.asarray(found)[0], printed, scale)


def as_image(image: NDArray) -> NDArray:
    """(height, width, channels)."""
    return image[..., None] if image.ndim == 2 else image


def as_kernel(kernel: NDArray, *, channels: int) -> NDArray:
    """(rows, columns, channels, filters): two axes are one filter, the same on every channel."""
    return np.repeat(kernel[:, :, None, None], channels, axis=2) if kernel.ndim == 2 else kernel


def slide_checks() -> list[Check]:
    """Every convolution whose numbers the slides give."""
    conv_row = slide(ROW[None, :, None], ROW_WEIGHTS[None, :, None, None], np.array([ROW_BIAS]), (1, 1), ((0, 0),) * 2)
    row, weights = ROW[None, :, None].astype(np.float32), ROW_WEIGHTS[:, None, None].astype(np.float32)
    library = F.conv(row, weights, np.array([ROW_BIAS], np.float32))
    three = np.stack([np.ones((2, 2)), np.full((2, 2), 10), -np.ones((2, 2))], axis=-1)[:, :, None, :]
    printed_three = NINE_SAME[:, :, None] * np.array([1, 10, -1])
    return [
        Check("a neuron that slides along a row", conv_row[0], np.asarray(library)[0]),
        *(check_signal(op, mode) for op in ("convolve", "correlate") for mode in ("full", "same", "valid")),
        *(check_plane(op, mode) for op in ("convolve", "correlate") for mode in ("full", "same", "valid")),
        check_conv("4×4, 3×3 kernel, valid", SQUARE, COUNTING),
        check_conv("4×4, 3×3 kernel, same", PADDED_SQUARE, COUNTING, padding="SAME"),
        check_conv("4×4, 3×3 kernel, 1 zero all round, stride 2", STRIDED_SQUARE, COUNTING, strides=2, padding=1),
        check_conv("4×4, 3×3 kernel, same, stride 2", STRIDED_SQUARE, COUNTING, strides=2, padding="SAME"),
        check_conv("2×2, one window of a 2×2 kernel", ELEVEN, ELEVEN_KERNEL, printed=np.array([[11]])),
        check_conv("5×5, crossed 3×3 kernel, first window", CROSS_IMAGE[:3, :3], CROSS, printed=np.array([[4]])),
        check_conv("5×5, crossed 3×3 kernel", CROSS_IMAGE, CROSS),
        check_conv("3×3, kernel of ones, valid", COUNTING, np.ones((2, 2)), printed=NINE_SAME[:2, :2]),
        check_conv("3×3, three filters, same", COUNTING, three, padding="SAME", printed=printed_three),
        check_conv("5×5, two filters", FIVE, TWO_FILTERS, printed=PRINTED_FIVE),
        check_conv("5×5×3, two filters with biases", COLOURS, COLOUR_FILTERS, bias=COLOUR_BIASES),
        check_conv("the digit four (pixels inferred from the print), line filter", FOUR, LINE, printed=PRINTED_FOUR),
    ]
