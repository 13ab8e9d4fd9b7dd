"""Numbers as people read them: thousands separators, and as many decimals as tell the values apart."""

import math
import numbers
from collections.abc import Iterable
from typing import SupportsFloat

_MOST_DECIMALS = 6


def decimals(values: Iterable[SupportsFloat]) -> int:
    """Decimals for numbers that are read together.

    The largest gets four significant digits and the smallest two, but six decimals are the most; 0 where all are whole.
    """
    sizes = [abs(float(value)) for value in values if math.isfinite(float(value)) and float(value) != 0]
    if all(size == int(size) for size in sizes):
        return 0
    digits = [math.floor(math.log10(size)) + 1 for size in (min(sizes), max(sizes))]
    return min(_MOST_DECIMALS, max(0, 4 - digits[1], 2 - digits[0]))


def numeral(value: SupportsFloat, places: int) -> str:
    """`value` with thousands separators: a whole number type with all its digits, another with `places` decimals."""
    return f"{int(value):,}" if isinstance(value, numbers.Integral) else f"{float(value):,.{places}f}"
