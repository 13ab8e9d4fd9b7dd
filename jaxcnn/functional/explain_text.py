"""Numbers, sums and products as a hand writes them."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

# A calculation says in full so many products, and of the others how many they are and what they come to.
MOST_WRITTEN = 40
WIDTH = 110


def product_lines(
    window: np.ndarray, taps: np.ndarray | None, products: np.ndarray, inputs: Sequence[int], order: float | None
) -> Iterator[str]:
    """The products and their sum, a line a channel (the last axis, where there are several `inputs`), then their total.

    A product is window · tap, or, without taps, |window|^order or just the window's number.
    """
    channels = len(inputs)
    rows = products.reshape(-1, channels).T
    pixels = window.reshape(-1, channels).T
    weights = None if taps is None else taps.reshape(-1, channels).T
    shown = max(1, -(-MOST_WRITTEN // max(rows.shape[1], 1)))
    left = MOST_WRITTEN
    for channel in range(min(channels, shown)):
        terms = _terms(pixels[channel, :left], None if weights is None else weights[channel, :left], order)
        label = f"input channel {inputs[channel]}: " if channels > 1 else ""
        yield label + _product_line(terms, rows[channel], left)
        left -= rows.shape[1]
    rest = rows[shown:]
    if rest.size:
        yield f"… and {rest.size} more products in {len(rest)} more channels, together {number(rest.sum().item())}"
    if channels > 1:
        yield f"all {channels} channels: {number(products.sum().item())}"


def written(numbers: np.ndarray) -> str:
    """The numbers, or the first of them and how many more."""
    rest = f", … and {numbers.size - MOST_WRITTEN} more" if numbers.size > MOST_WRITTEN else ""
    return ", ".join(map(number, numbers.ravel()[:MOST_WRITTEN].tolist())) + rest


def wrapped(line: str) -> str:
    """The line, continued on indented ones where it is long."""
    return textwrap.fill(line, WIDTH, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)


def number(value: Any) -> str:
    """Integers in full, floats to six digits: the record holds them all."""
    if isinstance(value, complex):
        return f"({value.real + 0.0:.6g}{value.imag + 0.0:+.6g}j)"
    return f"{value + 0.0:.6g}" if isinstance(value, float) else str(value)


def factor(value: Any) -> str:
    """A number that an operator precedes: negative ones in brackets."""
    return f"({number(value)})" if _is_negative(value) else number(value)


def _product_line(terms: Sequence[str], products: np.ndarray, most: int) -> str:
    total = number(products.sum().item())
    if not products.size:
        return f"no pixel of x takes part: {total}"
    rest = f" + … and {products.size - most} more" if products.size > most else ""
    shown = [" + ".join(terms) + rest] if terms else []
    if products.size > 1 or not terms:
        shown.append(_added(products[:most].tolist()) + rest)
    return " = ".join(shown if products.size == 1 and not terms else [*shown, total])


def _terms(pixels: np.ndarray, weights: np.ndarray | None, order: float | None) -> list[str]:
    if weights is not None:
        return [f"{factor(p)}·{factor(w)}" for p, w in zip(pixels.tolist(), weights.tolist(), strict=True)]
    if order is None:
        return []
    return [f"|{number(p)}|" + (f"^{number(order)}" if order != 1 else "") for p in pixels.tolist()]


def _added(numbers: Sequence[Any]) -> str:
    """The numbers with the signs between them, such as 2 + 2 - 3."""
    first, *others = numbers
    return number(first) + "".join(f" - {number(-n)}" if _is_negative(n) else f" + {number(n)}" for n in others)


def _is_negative(value: Any) -> bool:
    return not isinstance(value, complex) and value < 0
