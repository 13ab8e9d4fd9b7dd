"""What `explain` returns: a cell's window, taps, products and sum, and how they read as a hand calculation."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxcnn.borders import listed
from jaxcnn.functional.dtypes import is_exact
from jaxcnn.functional.explain_cell import Cell
from jaxcnn.functional.explain_text import factor, number, product_lines, wrapped, written


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """One output cell and where it comes from; its str() is the hand calculation. What doesn't apply is None.

    Numbers are those of the result's dtype, calculated without its rounding (in float64, int64 or complex128).

    Attributes:
      operation: its name.
      at, example, channel: the output cell.
      pixels: for each spatial dimension, the positions that the window sees. Those outside `x` are padding; with
        input_dilation, they count the dilated `x`.
      inputs: the channels of `x` that the cell sees.
      window: what lies there, (*window, inputs), padding and dilation's holes included.
        For `convolve` and `correlate`, (*window,); for pools too, and without padding.
      taps: the kernel's weight for each entry of `window`.
      products: what is summed: window · taps; for sums and averages the window, for `lp_pool` |window|^p.
      sum: of the products.
      bias: what is added to the sum.
      divisor: what `avg_pool` divides the sum by.
      order: `lp_pool`'s p, unless it is infinite.
      chosen: the pixel that wins a maximum or a minimum, the first of equals; for `lp_pool` with p = ∞, `window` then
        holds sizes.
      by_hand: the calculation's result.
      value: the operation's output there, in its dtype.
      scipy_correlate, scipy_convolve: what `scipy.signal`'s functions with mode="valid" give for this window and the
        kernel, the bias apart; several channels one by one and summed.
    """

    operation: str
    at: tuple[int, ...]
    example: int
    channel: int
    pixels: tuple[tuple[int, ...], ...]
    inputs: tuple[int, ...] | None = None
    window: np.ndarray
    taps: np.ndarray | None = None
    products: np.ndarray | None = None
    sum: Any = None
    bias: Any = None
    divisor: int | None = None
    order: float | None = None
    chosen: tuple[int, ...] | None = None
    by_hand: Any
    value: np.generic
    scipy_correlate: Any = None
    scipy_convolve: Any = None

    def __str__(self) -> str:
        """The hand calculation."""
        with np.errstate(all="ignore"):
            return "\n  ".join(map(wrapped, _lines(self)))

    def __repr__(self) -> str:
        """Short, so that a notebook that shows the record doesn't repeat what `explain` printed."""
        return f"Explanation({self.operation} at {self.at}: {number(self.value.item())})"


def weighted_sum(
    cell: Cell,
    seen: Sequence[Iterable[int]],
    window: np.ndarray,
    taps: np.ndarray,
    bias: Any = None,
    *,
    unflipped: np.ndarray | None = None,
) -> Explanation:
    """A cell that is Σ window · taps + bias.

    Args:
      seen: what each axis of `window` sees of `x`: positions, and channels where `x` has them.
      unflipped: the kernel in its own order, as SciPy would be given it.
    """
    spatial_dims = len(cell.at)
    axes = tuple(map(tuple, seen))
    with np.errstate(all="ignore"):
        products = np.asarray(window * taps)
        total = products.sum().item()
        scipy = (None, None) if unflipped is None else _as_scipy(window, unflipped, spatial_dims)
    return Explanation(
        **cell._asdict(),
        pixels=axes[:spatial_dims],
        inputs=axes[spatial_dims] if len(axes) > spatial_dims else None,
        window=window,
        taps=taps,
        products=products,
        sum=total,
        bias=bias,
        by_hand=total if bias is None else total + bias,
        scipy_correlate=scipy[0],
        scipy_convolve=scipy[1],
    )


def _as_scipy(window: np.ndarray, kernel: np.ndarray, spatial_dims: int) -> tuple[Any, Any]:
    flipped = np.flip(kernel, tuple(range(spatial_dims)))
    return (window * kernel.conj()).sum().item(), (window * flipped).sum().item()


def _lines(e: Explanation) -> Iterator[str]:
    yield f"{e.operation} at {e.at}, example {e.example}, channel {e.channel}"
    channel = f" of input channel {e.inputs[0]}" if e.inputs and len(e.inputs) == 1 else ""
    yield f"pixels {' × '.join(f'({listed(axis)})' for axis in e.pixels)}{channel}"
    yield from _sum_lines(e) if e.chosen is None else _chosen_lines(e)
    if e.scipy_correlate is not None:
        apart = ", each channel apart and summed" if len(e.inputs or ()) > 1 else ""
        yield (
            f"SciPy, for this window and kernel{apart}: correlate {number(e.scipy_correlate)}, "
            f"convolve (flips the kernel) {number(e.scipy_convolve)}"
        )
    if not _agree(e):
        yield f"the operation itself, in {e.value.dtype}, gives {number(e.value.item())}"


def _chosen_lines(e: Explanation) -> Iterator[str]:
    name = "min" if e.operation == "min_pool" else "max"
    equals = np.count_nonzero(e.window == e.by_hand)
    first = f", the first of {equals} equals" if equals > 1 else ""
    yield f"{name}({written(e.window)}) = {number(e.by_hand)}, at pixel {e.chosen}{first}"


def _sum_lines(e: Explanation) -> Iterator[str]:
    assert e.products is not None
    yield from product_lines(e.window, e.taps, e.products, e.inputs or (0,), e.order)
    if e.bias is not None:
        yield f"{number(e.sum)} + bias {factor(e.bias)} = {number(e.by_hand)}"
    if e.divisor is not None:
        yield f"{number(e.sum)} / {e.divisor} = {number(e.by_hand)}"
    if e.order not in (None, 1, math.inf):
        yield f"{number(e.sum)}^(1/{number(e.order)}) = {number(e.by_hand)}"


def _agree(e: Explanation) -> bool:
    """Whether the operation's value differs from the hand's by no more than its dtype's rounding."""
    value = e.value.item()
    if value == e.by_hand or (value != value and e.by_hand != e.by_hand):
        return True
    if is_exact(e.value.dtype) or e.products is None:
        return False
    size = abs(e.by_hand) if e.order else float(np.abs(e.products).sum()) + abs(e.bias or 0)
    tolerance = float(jnp.finfo(e.value.dtype).eps) * (e.products.size + 16) * size
    return math.isfinite(tolerance) and abs(value - e.by_hand) <= tolerance
