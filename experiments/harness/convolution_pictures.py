"""The pictures of `experiments.convolution_by_hand`: each idea of the slides as windows, taps and sums."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import jaxcnn.functional as F
from experiments.harness import slides_sums as slides
from experiments.harness.by_hand import Check, slide
from experiments.harness.drawn_steps import conv_steps, signal_step
from experiments.harness.results import write_picture
from experiments.harness.slides_sums import as_image, as_kernel
from jaxcnn.geometry import Padding
from jaxcnn.visualization import Picture, Section
from jaxcnn.visualization.maps import MapRow, maps
from jaxcnn.visualization.window_steps import window_steps

# What a step's last grid is: with several channels each has its own, which their sum and the bias come after.
WHOLE, APART = "feature map", "this channel's map"
ALT = "Rows of grids: the input with its window, the kernel, their products, the output so far, and the sum in words."


def slide_sections(folder: Path) -> list[Section]:
    """Every idea of the slides on the slides' own numbers."""
    whole = [(0, 0), (0, 1), (1, 0), (1, 1)]
    colours = conv_steps(slides.COLOURS, slides.COLOUR_FILTERS, [(0, 0)], bias=slides.COLOUR_BIASES, filters=(0, 1))
    filters = conv_steps(slides.FIVE[..., None], slides.TWO_FILTERS, [(0, 0)], filters=(0, 1))
    same = _square_steps(slides.PADDED_SQUARE, [(0, 0), (0, 3), (1, 1), (3, 3)], padding="SAME")
    around = _square_steps(slides.STRIDED_SQUARE, whole[:2], strides=(2, 2), padding=1)
    strided = _square_steps(slides.STRIDED_SQUARE, whole[:2], strides=(2, 2), padding="SAME")
    signals = [signal_step(f, slides.SIGNAL, slides.SIGNAL_KERNEL, 0) for f in (F.convolve, F.correlate)]
    return [
        Section("A neuron", ["A neuron is one window; moved along, it becomes a convolution.", _neuron(folder)]),
        _section(folder, "Convolution and cross-correlation", "one_dimension", signals),
        _section(folder, "Two dimensions", "two_dimensions", _square_steps(slides.SQUARE, whole)),
        _section(folder, "Padding: same", "same_padding", same),
        _section(folder, "Stride 2 with a zero all round, as drawn in the slides", "stride_all_round", around),
        _section(folder, "Stride 2 with SAME: TensorFlow pads 0 before, 1 after", "stride_same", strided),
        _section(folder, "Several channels, two filters and their biases", "channels", colours, APART),
        _section(folder, "Several filters", "filters", filters),
    ]


def _section(folder: Path, heading: str, name: str, steps: Sequence, result_name: str = WHOLE) -> Section:
    figure = window_steps(steps, title=heading, result_name=result_name)
    return Section(heading, [write_picture(folder, name, figure, ALT)])


def _square_steps(
    image: NDArray, cells: Sequence[tuple[int, int]], strides: tuple[int, int] = (1, 1), padding: Padding = "VALID"
) -> list:
    kernel = as_kernel(slides.COUNTING, channels=1)
    return conv_steps(as_image(image), kernel, cells, strides=strides, padding=padding)


def _neuron(folder: Path) -> Picture:
    row, kernel = slides.ROW[None, :, None], slides.ROW_WEIGHTS[None, :, None, None]
    steps = conv_steps(row, kernel, [(0, 0), (0, 1)], bias=np.array([slides.ROW_BIAS]))
    figure = window_steps(steps, title="One neuron, two positions", result_name="output")
    return write_picture(folder, "neuron", figure, ALT)


class Own(NamedTuple):
    """The user's convolution: an image (height, width, channels), a kernel of two axes, and what came out."""

    name: str
    image: NDArray
    kernel: NDArray
    strides: tuple[int, int]
    padding: Padding
    check: Check


def own_section(folder: Path, own: Own) -> Section:
    """The user's convolution: the first window, the strongest with its neighbour, the last, and the whole map."""
    kernel = as_kernel(own.kernel, channels=own.image.shape[2])
    steps = conv_steps(own.image, kernel, _telling_cells(own.check), strides=own.strides, padding=own.padding)
    title = f"{own.name}: the first window, the strongest sum and its neighbour, the last window"
    figure = window_steps(steps, title=title, result_name=APART if own.image.shape[2] > 1 else WHOLE)
    pictures = [write_picture(folder, "own_steps", figure, ALT), _own_map(folder, own)]
    return Section("Your image, kernel, stride and padding", [own.check.what, *pictures])


def _telling_cells(check: Check) -> list[tuple[int, int]]:
    height, width = check.by_hand.shape[:2]
    row, column = divmod(int(np.abs(check.by_hand[..., 0]).argmax()), width)
    return list(dict.fromkeys([(0, 0), (row, max(column - 1, 0)), (row, column), (height - 1, width - 1)]))


def _own_map(folder: Path, own: Own) -> Picture:
    height, width = own.check.by_hand.shape[:2]
    rows = [
        MapRow("input", [shown(own.image)], unit="pixel value"),
        MapRow("feature map", [own.check.by_hand[..., 0]], signed=True, unit="sum"),
    ]
    size = "×".join(map(str, own.image.shape))
    figure = maps(rows, title=f"{own.name}: input {size} and feature map {height}×{width}")
    alt = f"The input and, below it, its feature map of {height}×{width} cells, red above 0 and blue below."
    return write_picture(folder, "own_map", figure, alt)


def shown(image: NDArray) -> NDArray:
    """Grey pixels without their channel axis, colours in 0 to 1."""
    return image[..., 0] if image.shape[2] == 1 else image[..., :3] / 255


def masks_section(folder: Path, pictures: Sequence[NDArray], names: Sequence[str]) -> Section:
    """The slides' three masks on real images, with their feature maps."""
    gray = [picture.mean(axis=2) for picture in pictures]
    rows = [MapRow("image", gray, names, unit="pixel value")]
    for name, mask in slides.MASKS.items():
        found = [slide(as_image(g), as_kernel(mask, channels=1), None, (1, 1), ((1, 1), (1, 1)))[..., 0] for g in gray]
        rows.append(MapRow(f"{name}\n{_text(mask)}", found, signed=True, unit="sum"))
    title = "The slides' masks on images: brighter than the neighbour is red, darker is blue"
    alt = "Images, and below each what three masks find in it: vertical edges, horizontal edges and horizontal lines."
    return Section("Edges and lines", [write_picture(folder, "masks", maps(rows, title=title), alt)])


def _text(mask: NDArray) -> str:
    return "\n".join(" ".join(f"{tap}".replace("-", "−") for tap in row) for row in mask)
