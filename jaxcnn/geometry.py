"""Integers only: windows, strides, padding and dilation parsed once, and the output shapes that follow.

Everything here is plain Python on sizes in pixels; nothing touches an array. The formulas are those of
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), and of
`lax`; `ceil_mode` is PyTorch's.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import numpy as np

if TYPE_CHECKING:
    Int: TypeAlias = SupportsIndex
    Flag: TypeAlias = bool
    Size: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
    Padding: TypeAlias = str | SupportsIndex | Sequence[SupportsIndex] | Sequence[Sequence[SupportsIndex]]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Int = Flag = Size = Padding = Any
Pairs: TypeAlias = tuple[tuple[int, int], ...]

PADDING_WORDS = ("VALID", "SAME", "SAME_LOWER", "FULL", "CAUSAL")


def as_int(name: str, value: Any, *, minimum: int) -> int:
    """`value` as an int of at least `minimum`; booleans and floats are refused, NumPy integers are not."""
    number = _integer(value)
    if number is None or number < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    if number >= 2**31:
        raise ValueError(f"{name} must be below 2**31, got {value!r}")
    return number


def _integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def as_sizes(name: str, value: Any, spatial_dims: int, *, minimum: int = 1) -> tuple[int, ...]:
    """An int for every spatial dimension, or one int each, as a tuple of `spatial_dims` ints >= `minimum`."""
    rule = f"{name} must be an integer >= {minimum} or {spatial_dims} of them, one a spatial dimension"
    sizes = entries(value)
    if sizes is None:
        sizes = (value,) * spatial_dims
    if len(sizes) != spatial_dims:
        raise ValueError(f"{rule}; got {value!r}, which has {len(sizes)}")
    if any(size is None or size < minimum for size in map(_integer, sizes)):
        raise ValueError(f"{rule}; got {value!r}")
    return tuple(as_int(name, size, minimum=minimum) for size in sizes)


def as_bool(name: str, value: Any) -> bool:
    """`value` as a bool; a word such as "no", which Python takes for true, is refused."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def entries(value: Any) -> tuple[Any, ...] | None:
    """The entries of a list, a tuple or an array with axes; None for anything else, a word included."""
    if isinstance(value, str | bytes) or not (isinstance(value, Sequence) or getattr(value, "ndim", 0)):
        return None
    return tuple(value)


def dilated(size: int, dilation: int) -> int:
    """Pixels that `size` taps span when `dilation` − 1 holes lie between neighbours."""
    return (size - 1) * dilation + 1 if size else 0


def padding_pairs(
    padding: Padding, spatial: Sequence[int], window: Sequence[int], *, strides: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    """The contract's `padding`, in any of its spellings, as one (low, high) pair of pixels a spatial dimension.

    Args:
      padding: a word ("VALID", "SAME", "SAME_LOWER", "FULL", or in 1-D "CAUSAL"; any case), an int, N ints
        (symmetric, as in PyTorch), or N (low, high) pairs.
      spatial, window, strides, dilation: N ints each; `dilation` is the window's.

    Raises:
      ValueError: for any other padding.
    """
    if isinstance(padding, str):
        return _word_pairs(padding, spatial, window, strides, dilation)
    pads = entries(padding)
    if pads is None:
        pads = (padding,) * len(spatial)
    if len(pads) == len(spatial) and len({entries(pad) is None for pad in pads}) == 1:
        try:
            return tuple(map(_pair, pads))
        except (TypeError, ValueError):
            pass
    raise ValueError(f"padding must be {_padding_rule(len(spatial))}; got {padding!r}")


def _pair(pad: Any) -> tuple[int, int]:
    low, high = (pad, pad) if entries(pad) is None else pad
    return as_int("padding", low, minimum=0), as_int("padding", high, minimum=0)


def _padding_rule(spatial_dims: int) -> str:
    words = PADDING_WORDS if spatial_dims == 1 else PADDING_WORDS[:-1]
    pairs = "[(low, high)]" if spatial_dims == 1 else f"{spatial_dims} (low, high) pairs"
    return f"one of {', '.join(words)}, an integer >= 0, {spatial_dims} of them (symmetric), or {pairs}"


def _word_pairs(
    word: str, spatial: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    name = word.upper()
    if name not in PADDING_WORDS or (name == "CAUSAL" and len(spatial) != 1):
        raise ValueError(f"padding must be {_padding_rule(len(spatial))}; got {word!r} for {len(spatial)}-D")
    spans = [dilated(w, d) for w, d in zip(window, dilation, strict=True)]
    if name == "VALID":
        return ((0, 0),) * len(spatial)
    if name == "FULL":
        return tuple((span - 1, span - 1) for span in spans)
    if name == "CAUSAL":
        return ((spans[0] - 1, 0),)
    totals = [max((-(-n // s) - 1) * s + span - n, 0) for n, s, span in zip(spatial, strides, spans, strict=True)]
    if name == "SAME":
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((total - total // 2, total // 2) for total in totals)


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
        """For each dimension and each output cell, how many taps of its window lie in the input (or its padding)."""
        return tuple(
            tuple(len(self.inside(axis, cell, count_include_pad)) for cell in range(self.output_shape[axis]))
            for axis in range(len(self.spatial))
        )

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
    """What a window meets at the borders, in words: pads, cells, dropped pixels and overlaps, a paragraph a dimension.

    Args:
      spatial: N input sizes in pixels.
      window, strides, padding, dilation: as in `functional.conv` (there `kernel_dilation`) and the pools.

    Raises:
      ValueError: as `conv_output_shape`.
    """
    windows = pool_windows(spatial, window, strides=strides, padding=padding, dilation=dilation, ceil_mode=False)
    word = padding.upper() if isinstance(padding, str) else None
    return "\n".join(_explain_axis(windows, axis, word) for axis in range(len(windows.spatial)))


def _explain_axis(windows: PoolWindows, axis: int, word: str | None) -> str:
    size, cells, (low, high) = windows.spatial[axis], windows.output_shape[axis], windows.padding[axis]
    window, stride, dilation = windows.window[axis], windows.strides[axis], windows.dilation[axis]
    seen = Counter(pixel for cell in range(cells) for pixel in windows.inside(axis, cell))
    counts = [seen[pixel] for pixel in range(size)]
    dropped = [pixel for pixel, count in enumerate(counts) if not count]
    where = f" (positions {', '.join(map(str, dropped))})" if 0 < len(dropped) <= 8 else ""
    # Dilated windows may interleave without a common pixel.
    shared = 0 if stride % dilation else max(window - stride // dilation, 0)
    lines = [
        f"dimension {axis}: {size} pixels, window {window}, stride {stride}, dilation {dilation} -> {cells} cells",
        f"  padding {f'{word}: ' if word else ''}{low} before, {high} after",
        f"  {size - len(dropped)} of {size} pixels are covered, {len(dropped)} dropped{where}",
        f"  neighbouring windows share {shared or 'no'} pixels; a pixel lies in {min(counts)} to {max(counts)} windows",
    ]
    if word in ("SAME", "SAME_LOWER") and low != high:
        turned = "" if word == "SAME" else "the other way round, "
        lines.append(
            f"  TF and Keras pad {turned}{min(low, high)} before and {max(low, high)} after; "
            f"a symmetric padding={max(low, high)} (PyTorch's habit) looks at other pixels"
        )
    return "\n".join(lines)
