"""Bytes an array takes, from its shape and dtype."""

import math
from typing import Any


def array_bytes(array: Any) -> int:
    """Bytes of an array or abstract value: its elements × the bytes of one, without padding or alignment."""
    return math.prod(array.shape) * array.dtype.itemsize
