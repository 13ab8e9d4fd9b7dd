"""Convolution by hand: windows, products and sums in plain NumPy, against which the library is checked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxcnn.geometry import Padding

Pads = tuple[tuple[int, int], ...]
MOST_PADDING = 1_000  # pixels a side
LARGEST_TAP = 1e30  # whose products with pixels float32 still holds


@dataclass(frozen=True)
class Check:
    """One result by hand, by the library and, where the slides print it, by the slides.

    Attributes:
      what: was calculated.
      by_hand: in float64.
      library: of the operation that is checked.
      printed: in the slides; None where they print no result.
      scale: the size of the summands, of which rounding takes its share.
    """

    what: str
    by_hand: NDArray
    library: NDArray
    printed: NDArray | None = None
    scale: float = 1.0

    @property
    def difference(self) -> float:
        """The largest between hand and library."""
        return float(np.abs(self.by_hand - self.library).max()) if self.same_shape else float("inf")

    @property
    def same_shape(self) -> bool:
        return self.by_hand.shape == self.library.shape

    @property
    def agrees(self) -> bool:
        """Whether hand and library differ by no more than float32's rounding."""
        return self.difference <= 1e-5 * max(1.0, self.scale)

    @property
    def as_printed(self) -> bool | None:
        """Whether the slides print the same, to the digits that they print; None where they print nothing."""
        if self.printed is None:
            return None
        return self.printed.shape == self.by_hand.shape and bool(np.allclose(self.printed, self.by_hand, atol=1e-6))

    def to_row(self) -> dict[str, Any]:
        """A row of result.json."""
        return {
            "what": self.what,
            "shape": list(self.by_hand.shape),
            "largest_difference": self.difference,
            "agrees": self.agrees,
            "as_the_slides_print": self.as_printed,
        }


def slide(image: NDArray, kernel: NDArray, bias: NDArray | None, stride: Sequence[int], pads: Pads) -> NDArray:
    """Σ window · taps + bias at every position, which CNN libraries call a convolution.

    Args:
      image: (height, width, channels).
      kernel: (rows, columns, channels, filters).
      bias: (filters,), or None.
      stride: pixels from a window to the next, down and to the right.
      pads: ((top, bottom), (left, right)) zeros around the image.

    Returns:
      (out_height, out_width, filters) in float64.
    """
    padded = np.pad(np.asarray(image, np.float64), [*pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
    sums = np.einsum("ijcab,abcf->ijf", windows[:: stride[0], :: stride[1]], np.asarray(kernel, np.float64))
    return sums if bias is None else sums + np.asarray(bias, np.float64)


def parse_kernel(text: str) -> NDArray:
    """A kernel as people write it: rows separated by `;` or in brackets, numbers by spaces or commas.

    Raises:
      ValueError: for what isn't a rectangle of finite numbers that float32 can multiply.
    """
    plain = text.replace("−", "-")
    rows = re.findall(r"\[([^\[\]]*)\]", plain) if "[" in plain else re.split(r"[;\n]", plain.strip().strip(";"))
    try:
        numbers = [[float(word) for word in re.split(r"[,\s]+", row.strip(" ,\t")) if word] for row in rows]
        kernel = np.array(numbers)
    except ValueError:
        kernel = np.empty((0, 0))
    if kernel.ndim != 2 or not kernel.size or not np.isfinite(kernel).all():
        raise ValueError(
            "--kernel must be rows of as many numbers each, separated by ';', such as '0 0 0; -1 1 0; 0 0 0'; "
            f"got {text!r}"
        )
    if np.abs(kernel).max() > LARGEST_TAP:
        raise ValueError(f"--kernel must hold numbers of at most {LARGEST_TAP:g}, got {np.abs(kernel).max():g}")
    return kernel


def parse_padding(text: str) -> Padding:
    """`valid`, `same`, `same_lower` or `full`; one number for all sides; or `top,bottom;left,right`.

    Raises:
      ValueError: for other texts, and more pixels than MOST_PADDING.
    """
    word = text.strip().upper()
    if word in ("VALID", "SAME", "SAME_LOWER", "FULL"):
        return word
    sides = [int(number) for number in re.findall(r"\d+", word)]
    if max(sides, default=0) > MOST_PADDING:
        raise ValueError(f"--padding must be at most {MOST_PADDING:,} pixels a side, got {text!r}")
    if re.fullmatch(r"\d+", word):
        return sides[0]
    if re.fullmatch(r"\d+\s*,\s*\d+\s*;\s*\d+\s*,\s*\d+", word):
        top, bottom, left, right = sides
        return ((top, bottom), (left, right))
    raise ValueError(
        "--padding must be valid, same, same_lower, full, a number of pixels for all sides, or "
        f"'top,bottom;left,right'; got {text!r}"
    )
