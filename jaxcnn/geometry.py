"""Integers only: windows, strides, padding and dilation parsed once, and the output shapes that follow.

Everything here is plain Python on sizes in pixels; nothing touches an array. The formulas are those of
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), and of
`lax`; `ceil_mode` is PyTorch's.
"""

from collections.abc import Sequence
from typing import Any

from jaxcnn.arguments import Flag as Flag
from jaxcnn.arguments import Int as Int
from jaxcnn.arguments import Padding as Padding
from jaxcnn.arguments import Size as Size
from jaxcnn.arguments import as_bool as as_bool
from jaxcnn.arguments import as_int as as_int
from jaxcnn.arguments import as_sizes as as_sizes
from jaxcnn.arguments import entries as entries
from jaxcnn.arguments import refuse_huge as refuse_huge
from jaxcnn.arguments import shown as shown
from jaxcnn.borders import Axis, explain_axes
from jaxcnn.padding import Pairs as Pairs
from jaxcnn.padding import dilated as dilated
from jaxcnn.padding import padding_pairs as padding_pairs

MOST_EXPLAINED = 2**24  # Pixels of a dimension that `explain_padding` counts one by one.


def conv_output_shape(
    spatial: Size,
    window: Size,
    *,
    strides: Size = 1,
    padding: Padding = "VALID",
    input_dilation: Size = 1,
    kernel_dilation: Size = 1,
) -> tuple[int, ...]:
    """Spatial output shape of a convolution: ⌊(dilated input + low + high − span) / stride⌋ + 1 in each dimension.

    Args:
      spatial: N input sizes in pixels (an int in 1-D).
      window: kernel size, an int or N of them.
      strides, padding, input_dilation, kernel_dilation: as in `functional.conv`.

    Raises:
      ValueError: for a malformed option, or when the window exceeds the padded input (no cell would be left).
    """
    spatial, window = spatial_and_window(spatial, window)
    strides = as_sizes("strides", strides, len(spatial))
    holes = as_sizes("kernel_dilation", kernel_dilation, len(spatial))
    inner = as_sizes("input_dilation", input_dilation, len(spatial))
    refuse_words_with_input_dilation(padding, inner)
    pairs = padding_pairs(padding, spatial, window, strides=strides, dilation=holes)
    sizes = [dilated(n, d) for n, d in zip(spatial, inner, strict=True)]
    refuse_huge("input_dilation", sizes)
    return tuple(map(_cells, range(len(spatial)), sizes, window, strides, pairs, holes))


def refuse_words_with_input_dilation(padding: Padding, input_dilation: Sequence[int]) -> None:
    """The words size their padding by an undilated input, so with holes in the input only numbers are clear."""
    if isinstance(padding, str) and padding.upper() != "VALID" and max(input_dilation) > 1:
        raise ValueError(
            f"padding must be VALID, integers or pairs when input_dilation is above 1; got {padding!r} with "
            f"input_dilation={tuple(input_dilation)}"
        )


def _cells(axis: int, size: int, window: int, stride: int, pair: tuple[int, int], dilation: int) -> int:
    span, padded = dilated(window, dilation), size + sum(pair)
    if span > padded:
        holes = f" with dilation {dilation}" if dilation > 1 else ""
        raise ValueError(
            f"window must fit into the padded input, got a window of {window}{holes} (it spans {span}) in spatial "
            f"dimension {axis}, where the input of {size} with padding {pair} has {padded}; "
            "use a smaller window or dilation, or more padding"
        )
    return (padded - span) // stride + 1


def pool_output_shape(
    spatial: Size,
    window: Size,
    *,
    strides: Size | None = None,
    padding: Padding = "VALID",
    dilation: Size = 1,
    ceil_mode: Flag = False,
) -> tuple[int, ...]:
    """Spatial output shape of a pooling; `strides=None` means the window, and `ceil_mode` is PyTorch's.

    With `ceil_mode` a last, overhanging window counts too, unless it would start in the padding after the input.

    Raises:
      ValueError: for a malformed option, or when no window fits.
    """
    return pool_windows(
        spatial, window, strides=strides, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    ).output_shape


class PoolWindows:
    """A pooling's parsed geometry: N ints a field, pads in pixels."""

    def __init__(self, spatial, window, strides, padding: Pairs, dilation, ceil_mode: bool):
        self.spatial, self.window, self.strides = spatial, window, strides
        self.padding, self.dilation = padding, dilation
        cells = _ceil_cells if ceil_mode else _cells
        self.output_shape = tuple(map(cells, range(len(spatial)), spatial, window, strides, padding, dilation))

    @property
    def reach(self) -> Pairs:
        """(low, high) pads with which a floor-mode window of this geometry gives exactly `output_shape`."""
        return tuple(map(self._reach, range(len(self.spatial))))

    def _reach(self, axis: int) -> tuple[int, int]:
        low, high = self.padding[axis]
        stride, cells = self.strides[axis], self.output_shape[axis]
        needed = (cells - 1) * stride + dilated(self.window[axis], self.dilation[axis]) - self.spatial[axis] - low
        return low, max(needed, min(high, needed + stride - 1))

    def taps_inside(self, *, count_include_pad: bool = False) -> tuple[tuple[int, ...], ...]:
        """For each dimension and each output cell, how many taps of its window lie in the input (or its padding).

        One number for a dimension where no window reaches out of it.
        """
        return tuple(self._taps_inside(axis, count_include_pad) for axis in range(len(self.spatial)))

    def _taps_inside(self, axis: int, count_include_pad: bool) -> tuple[int, ...]:
        before, after = self.border(axis, count_include_pad)
        first, last = ([len(self.inside(axis, cell, count_include_pad)) for cell in cells] for cells in (before, after))
        within = after.start - before.stop
        return (*first, *(self.window[axis],) * (within if first or last else 1), *last)

    def border(self, axis: int, count_include_pad: bool = False) -> tuple[range, range]:
        """The cells whose windows begin before the pixels that count, and of the others those that end after them.

        Few, where cells may be many: so only these are looked at one by one.
        """
        (low, high), stride, cells = self.padding[axis], self.strides[axis], self.output_shape[axis]
        first, last = (0, low + self.spatial[axis] + high) if count_include_pad else (low, low + self.spatial[axis])
        before = min(-(-first // stride), cells)
        whole = (last - dilated(self.window[axis], self.dilation[axis])) // stride + 1
        return range(before), range(min(max(before, whole), cells), cells)

    def inside(self, axis: int, cell: int, count_include_pad: bool = False) -> range:
        """The pixels that window number `cell` sees, of the input (or, negative and beyond it, of its padding)."""
        (low, high), step = self.padding[axis], self.dilation[axis]
        first, last = (-low, self.spatial[axis] + high) if count_include_pad else (0, self.spatial[axis])
        start = cell * self.strides[axis] - low
        skipped = max(-(-(first - start) // step), 0)
        return range(start + skipped * step, min(start + self.window[axis] * step, last), step)


def pool_windows(spatial, window, *, strides, padding, dilation, ceil_mode) -> PoolWindows:
    """Parse a pooling's options; the errors are those of `pool_output_shape`."""
    spatial, window = spatial_and_window(spatial, window)
    strides = window if strides is None else as_sizes("strides", strides, len(spatial))
    dilation = as_sizes("dilation", dilation, len(spatial))
    pairs = padding_pairs(padding, spatial, window, strides=strides, dilation=dilation)
    return PoolWindows(spatial, window, strides, pairs, dilation, as_bool("ceil_mode", ceil_mode))


def _ceil_cells(axis: int, size: int, window: int, stride: int, pair: tuple[int, int], dilation: int) -> int:
    excess = size + sum(pair) - dilated(window, dilation)
    cells = (excess + stride - 1) // stride + 1
    cells -= (cells - 1) * stride >= size + pair[0]
    return cells if cells > 0 else _cells(axis, size, window, stride, pair, dilation)


def spatial_and_window(spatial: Any, window: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Input sizes and window as tuples of the same length N, which `spatial` decides."""
    sizes = (spatial,) if entries(spatial) is None else spatial
    spatial = as_sizes("spatial", sizes, len(sizes) or 1)
    return spatial, as_sizes("window", window, len(spatial))


def explain_padding(
    spatial: Size, window: Size, *, strides: Size = 1, padding: Padding = "VALID", dilation: Size = 1
) -> str:
    """What a window meets at the borders and how windows overlap, in words, a paragraph a dimension.

    Says pads, cells, covered and dropped pixels; where SAME differs from a symmetric padding; and whether a transposed
    convolution with these options, from the cells back to the pixels, leaves a checkerboard.

    Args:
      spatial: N input sizes in pixels.
      window, strides, padding, dilation: as in `functional.conv` (there `kernel_dilation`) and the pools.

    Raises:
      ValueError: as `conv_output_shape`, and for sizes that can't be walked over pixel by pixel.

    Source: Dumoulin and Visin (2016); Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts" (2016).
    """
    windows = pool_windows(spatial, window, strides=strides, padding=padding, dilation=dilation, ceil_mode=False)
    for size, pair, stride in zip(windows.spatial, windows.padding, windows.strides, strict=True):
        refuse_huge("spatial and padding", [size + sum(pair)], MOST_EXPLAINED)
        refuse_huge("strides", [stride], MOST_EXPLAINED)
    spans = map(dilated, windows.window, windows.dilation)
    fields = windows.spatial, windows.window, windows.strides, windows.dilation, windows.padding, spans
    axes = [Axis(*axis) for axis in zip(*fields, windows.output_shape, strict=True)]
    return explain_axes(axes, padding.upper() if isinstance(padding, str) else "")
