"""Convolution and correlation of two N-D arrays, without batch or channels, as SciPy means them."""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.functional import checks
from jaxcnn.functional.conv import channels_last_numbers
from jaxcnn.functional.dtypes import as_array, is_exact
from jaxcnn.functional.layout import one_of
from jaxcnn.lowering import primitive

if TYPE_CHECKING:
    Mode: TypeAlias = Literal["full", "same", "valid"]
    Boundary: TypeAlias = Literal["fill", "wrap", "symm"]
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    Mode = Boundary = Any
MODES = ("full", "same", "valid")
BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


def convolve(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    *,
    mode: Mode = "full",
    boundary: Boundary = "fill",
    fillvalue: ArrayLike = 0,
) -> Shaped[Array, "..."]:
    """The convolution of mathematics: the kernel is flipped, Σ x[n − m] kernel[m].

    CNN libraries mean `correlate` when they say convolution.

    Args:
      x: any shape.
      kernel: as many axes as `x`; it may be the larger one.
      mode: "full" for every overlap (x + kernel − 1 a side), "same" for the shape of `x`, centred, "valid" for whole
        overlaps alone; then one of the two must be at least as large in every axis.
      boundary: what lies outside `x`: "fill" for `fillvalue`, "wrap" for a circle, "symm" for a mirror with the edge
        repeated. "valid" doesn't look outside.
      fillvalue: a scalar.

    Returns:
      An array in NumPy's common dtype, as SciPy's; without x64 its 32-bit form.

    Raises:
      ValueError: for other modes, boundaries or ranks, empty arrays, or "valid" where neither array holds the other.
      TypeError: for what isn't an array of numbers.

    Source: `scipy.signal.convolve` and `convolve2d`.
    """
    x, kernel = _arrays(x, kernel)
    one_of("mode", mode, MODES)
    if mode == "valid" and _must_swap(x, kernel):
        x, kernel = kernel, x
    return _slide(x, jnp.flip(kernel), mode, boundary, fillvalue)


def correlate(
    x: Shaped[ArrayLike, "..."],
    kernel: Shaped[ArrayLike, "..."],
    *,
    mode: Mode = "full",
    boundary: Boundary = "fill",
    fillvalue: ArrayLike = 0,
) -> Shaped[Array, "..."]:
    """The cross-correlation: the kernel is not flipped, but conjugated where it is complex, Σ x[n + m] kernel*[m].

    Arguments, result and errors as in `convolve`. SciPy's two correlations centre "same" differently where a kernel's
    side is even: in 2-D this one does as `correlate2d` (and as TF's SAME), elsewhere as `correlate`. Where "valid"
    finds a larger complex kernel, it conjugates as `correlate` does (`correlate2d` conjugates `x` instead).

    Source: `scipy.signal.correlate` and `correlate2d`.
    """
    x, kernel = _arrays(x, kernel)
    one_of("mode", mode, MODES)
    if mode == "valid" and _must_swap(x, kernel):
        return jnp.flip(_slide(kernel, jnp.conj(x), mode, boundary, fillvalue).conj())
    return _slide(x, jnp.conj(kernel), mode, boundary, fillvalue, late=x.ndim == 2)


def _arrays(x: Any, kernel: Any) -> tuple[Array, Array]:
    x, kernel = as_array("x", x), as_array("kernel", kernel)
    if x.ndim != kernel.ndim:
        raise ValueError(f"kernel must have as many axes as x, {x.ndim}; got {kernel.ndim}")
    if not x.size or not kernel.size:
        raise ValueError(f"x and kernel must not be empty; got shapes {x.shape} and {kernel.shape}")
    dtype = _common(x.dtype, kernel.dtype)
    return x.astype(dtype), kernel.astype(dtype)


def _common(a: Any, b: Any) -> Any:
    """NumPy's common dtype, as SciPy takes it; JAX's for the types that NumPy doesn't promote, such as bfloat16."""
    try:
        return jax.dtypes.canonicalize_dtype(np.promote_types(a, b))
    except TypeError:
        return jnp.promote_types(a, b)


def _must_swap(x: Array, kernel: Array) -> bool:
    """Whether the kernel is the larger one, which "valid" then slides `x` over."""
    holds = [all(a >= b for a, b in zip(*shapes, strict=True)) for shapes in _both_ways(x.shape, kernel.shape)]
    if not any(holds):
        raise ValueError(
            'x or kernel must be at least as large as the other in every axis for mode "valid"; got shapes '
            f"{x.shape} and {kernel.shape}"
        )
    return not holds[0]


def _both_ways(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    return (a, b), (b, a)


def _slide(x: Array, kernel: Array, mode: Mode, boundary: Boundary, fillvalue: Any, late: bool = False) -> Array:
    """Σ x[n + m] kernel[m] over every overlap that `mode` asks for; `late` centres even kernels one cell later."""
    style = BOUNDARIES[one_of("boundary", boundary, tuple(BOUNDARIES))]
    if x.ndim == 0:
        return x * kernel
    if mode != "valid":
        pads = [(k - 1, k - 1) for k in kernel.shape]
        filling = {"constant_values": _filling(fillvalue, x.dtype)} if style == "constant" else {}
        x_padded = jnp.pad(x, pads, mode=style, **filling)
        full = _correlate(x_padded, kernel)
        starts = [(k - (not late)) // 2 for k in kernel.shape]
        return full if mode == "full" else lax.dynamic_slice(full, starts, x.shape)
    return _correlate(x, kernel)


def _filling(fillvalue: Any, dtype: Any) -> Array:
    if dtype == jnp.bool_ and isinstance(fillvalue, int) and fillvalue in (0, 1):
        return jnp.asarray(bool(fillvalue))
    return checks.as_scalar("fillvalue", fillvalue, dtype)


def _correlate(x: Array, kernel: Array) -> Array:
    """The valid overlaps, by a convolution of one image and one channel."""
    wide = jnp.int32 if is_exact(x.dtype) and x.dtype.itemsize < 4 else x.dtype
    image, taps = x.astype(wide)[None, ..., None], kernel.astype(wide)[..., None, None]
    y = primitive.conv_general_dilated(
        image, taps, (1,) * x.ndim, "VALID", dimension_numbers=channels_last_numbers(x.ndim), precision="highest"
    )
    return y[0, ..., 0].astype(x.dtype)
