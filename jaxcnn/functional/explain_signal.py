"""The window and taps behind one output cell of SciPy's convolution and correlation."""

from typing import Any

import numpy as np

from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.explain_cell import Question, locate, wide
from jaxcnn.functional.explanation import Explanation, weighted_sum
from jaxcnn.functional.layout import Layout
from jaxcnn.functional.signal import BOUNDARIES, Boundary, Mode


def convolve_cell(
    question: Question, x: Any, kernel: Any, *, mode: Mode, boundary: Boundary, fillvalue: Any
) -> Explanation:
    """One output cell of `convolve`: the taps are the flipped kernel."""
    return _cell(question, x, kernel, mode, boundary, fillvalue, flips=True)


def correlate_cell(
    question: Question, x: Any, kernel: Any, *, mode: Mode, boundary: Boundary, fillvalue: Any
) -> Explanation:
    """One output cell of `correlate`: the taps are the kernel, conjugated where it is complex."""
    return _cell(question, x, kernel, mode, boundary, fillvalue, flips=False)


def _cell(
    question: Question, x: Any, kernel: Any, mode: Mode, boundary: Boundary, fillvalue: Any, *, flips: bool
) -> Explanation:
    x, kernel = (wide(as_array(name, a), question.dtype) for name, a in (("x", x), ("kernel", kernel)))
    # An image of one channel.
    run, shape = question.run, question.shape
    cell = locate(
        question._replace(run=lambda: run()[..., None], shape=(*shape, 1)), Layout(tuple(range(x.ndim)), x.ndim, False)
    )
    starts = _starts(mode, x.shape, kernel.shape, late=x.ndim == 2 and not flips)
    first = [at + start for at, start in zip(cell.at, starts, strict=True)]
    seen = [range(f, f + k) for f, k in zip(first, kernel.shape, strict=True)]
    # "valid" never looks outside `x`, unless the kernel is the larger one: then `x` slides over it.
    fill = wide(as_array("fillvalue", fillvalue), question.dtype)
    surrounded = _surrounded(x, kernel.shape, *(("fill", 0) if mode == "valid" else (boundary, fill)))
    pixels = tuple(tuple(p - k + 1 for p in axis) for axis, k in zip(seen, kernel.shape, strict=True))
    taps = np.asarray(np.flip(kernel) if flips else np.conj(kernel))
    return weighted_sum(cell, pixels, np.asarray(surrounded[np.ix_(*seen)]), taps, unflipped=kernel)


def _starts(mode: Mode, x: tuple[int, ...], kernel: tuple[int, ...], *, late: bool) -> list[int]:
    """Where, in the full result, the result of `mode` begins; `late` centres even kernels one cell later."""
    if mode == "full":
        return [0] * len(x)
    if mode == "same":
        return [(k - (not late)) // 2 for k in kernel]
    return [min(n, k) - 1 for n, k in zip(x, kernel, strict=True)]


def _surrounded(x: np.ndarray, kernel: tuple[int, ...], boundary: Boundary, fillvalue: Any) -> np.ndarray:
    """`x` and all that a kernel which touches it may see."""
    if x.ndim == 0:
        return x
    pads = [(k - 1, k - 1) for k in kernel]
    mode: Any = BOUNDARIES[boundary]
    return np.pad(x, pads, mode, **({"constant_values": fillvalue} if mode == "constant" else {}))
