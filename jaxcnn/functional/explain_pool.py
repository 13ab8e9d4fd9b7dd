"""The pixels behind one output cell of the pools, and what becomes of them."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxcnn.functional.dtypes import as_array
from jaxcnn.functional.explain_cell import Cell, Question, locate, wide
from jaxcnn.functional.explanation import Explanation
from jaxcnn.functional.layout import DataFormat, channels_last
from jaxcnn.functional.lp import HIGHEST_ORDER
from jaxcnn.functional.pool import parse_windows
from jaxcnn.geometry import Flag, Padding, PoolWindows, Size


class _Seen(NamedTuple):
    """A cell of a pool and the pixels of the input in its window."""

    cell: Cell
    pixels: tuple[tuple[int, ...], ...]
    window: np.ndarray
    windows: PoolWindows


def _pool_cell(
    explained: Callable[[_Seen], Explanation],
    question: Question,
    x: Any,
    window: Size,
    *,
    strides: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: Flag,
    data_format: DataFormat,
) -> Explanation:
    """One output cell of a pool without options of its own."""
    return explained(_seen(question, x, window, strides, padding, dilation, ceil_mode, data_format))


def avg_pool_cell(
    question: Question,
    x: Any,
    window: Size,
    *,
    strides: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: Flag,
    count_include_pad: Flag,
    data_format: DataFormat,
) -> Explanation:
    """One output cell of `avg_pool`, with its divisor."""
    seen = _seen(question, x, window, strides, padding, dilation, ceil_mode, data_format)
    counted = [seen.windows.inside(axis, cell, bool(count_include_pad)) for axis, cell in enumerate(seen.cell.at)]
    divisor, summed = math.prod(map(len, counted)), _summed(seen)
    return dataclasses.replace(summed, divisor=divisor, by_hand=summed.sum / divisor)


def lp_pool_cell(
    question: Question,
    x: Any,
    window: Size,
    *,
    p: Any,
    strides: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: Flag,
    data_format: DataFormat,
) -> Explanation:
    """One output cell of `lp_pool`; for p = ∞ and huge ones, the largest size."""
    seen = _seen(question, x, window, strides, padding, dilation, ceil_mode, data_format)
    order = float(p)
    if order >= HIGHEST_ORDER and seen.window.size:
        return _winner(np.argmax, seen._replace(window=np.abs(seen.window)))
    with np.errstate(all="ignore"):
        powers = np.abs(seen.window) ** order
        total = powers.sum()
        root = (total ** (1 / order) if powers.size else total).item()
    return dataclasses.replace(_plain(seen, root), products=powers, sum=total.item(), order=order)


def _seen(
    question: Question,
    x: Any,
    window: Size,
    strides: Size | None,
    padding: Padding,
    dilation: Size,
    ceil_mode: Flag,
    data_format: DataFormat,
) -> _Seen:
    x = as_array("x", x)
    windows, layout = parse_windows(x, window, strides, padding, dilation, ceil_mode, data_format)
    cell = locate(question, layout)
    image = wide(channels_last(x, layout)[0][cell.example], question.dtype)
    pixels = tuple(tuple(windows.inside(axis, at)) for axis, at in enumerate(cell.at))
    return _Seen(cell, pixels, image[np.ix_(*pixels, [cell.channel])][..., 0], windows)


def _plain(seen: _Seen, by_hand: Any) -> Explanation:
    return Explanation(**seen.cell._asdict(), pixels=seen.pixels, window=seen.window, by_hand=by_hand)


def _winner(choose: Callable[[np.ndarray], Any], seen: _Seen) -> Explanation:
    """The first of equals; NumPy chooses the first NaN, as the pools do."""
    index = np.unravel_index(int(choose(seen.window)), seen.window.shape)
    chosen = tuple(axis[i] for axis, i in zip(seen.pixels, index, strict=True))
    return dataclasses.replace(_plain(seen, seen.window[index].item()), chosen=chosen)


def _summed(seen: _Seen) -> Explanation:
    with np.errstate(all="ignore"):
        total = seen.window.sum().item()
    return dataclasses.replace(_plain(seen, total), products=seen.window, sum=total)


max_pool_cell = functools.partial(_pool_cell, functools.partial(_winner, np.argmax))
min_pool_cell = functools.partial(_pool_cell, functools.partial(_winner, np.argmin))
sum_pool_cell = functools.partial(_pool_cell, _summed)
