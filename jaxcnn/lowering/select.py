"""Which form a canonical convolution takes on the CPU: a table of rules, the first that applies.

`python -m experiments.benchmark --tune` measures every form on this machine, beside the one that the table takes.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from jaxcnn.lowering import blocks, grouped, onednn, rows, spread, subpixel
from jaxcnn.lowering.slices import mapped

# A window with more taps (a whole image, say) is left to XLA: our forms would unroll a slice a tap.
MOST_TAPS = 128
# A group's inputs times its outputs; beyond, a group is worth a matrix product.
MOST_GROUP_PRODUCTS = 4
# With fewer, one convolution a row multiplies too little to pay for reading and adding the rows.
LEAST_CHANNELS = 8
# Convolutions without more inputs or outputs stay on XLA's own path.
MOST_SMALL_FEATURES = 16
# What XLA's convolution unrolls of one slice of the batch before it multiplies.
UNROLLED_BYTES = 2**21

Convolution = Callable[..., Any]


class Call(NamedTuple):
    """A convolution of x (batch, *spatial, in) and kernel (*window, in // groups, out), and lax's parameters."""

    x: Any
    kernel: Any
    out_shape: tuple[int, ...]
    params: dict[str, Any]

    @property
    def taps(self) -> int:
        return math.prod(self.kernel.shape[:-2])

    @property
    def groups(self) -> int:
        return self.params["feature_group_count"]


class Rule(NamedTuple):
    """A form, and when it is the fastest."""

    applies: Callable[[Call], bool]
    form: Callable[[Convolution, Call], Any]


def selected(lax_form: Convolution, x: Any, kernel: Any, **params: Any) -> Any:
    """`lax_form(x, kernel, **params)` of canonical operands, in the form of the first rule that applies."""
    out_shape = jax.eval_shape(functools.partial(lax_form, **params), x, kernel).shape[1:-1]
    call = Call(x, kernel, out_shape, params)
    return choose(call)(lax_form, call)


def choose(call: Call) -> Callable[[Convolution, Call], Any]:
    """The form of the first rule that applies."""
    return next(rule.form for rule in RULES if rule.applies(call))


def has_small_groups(groups: int, inner: int, outer: int, taps: int) -> bool:
    """Whether products and sums beat a matrix product of each group's `inner` inputs and `outer` outputs."""
    return groups > 1 and inner * outer <= MOST_GROUP_PRODUCTS and taps <= MOST_TAPS


def _is_depthwise(call: Call) -> bool:
    return has_small_groups(call.groups, call.kernel.shape[-2], call.kernel.shape[-1] // call.groups, call.taps)


def _multiplied(lax_form: Convolution, call: Call) -> Any:
    names = ("window_strides", "padding", "lhs_dilation", "rhs_dilation")
    options = {name: call.params[name] for name in names}
    return grouped.multiplied_taps(call.x, call.kernel, **options, groups=call.groups)


def _has_holes(call: Call) -> bool:
    params = call.params
    return (
        call.groups == 1
        and max(params["lhs_dilation"]) > 1
        and set(params["window_strides"]) == set(params["rhs_dilation"]) == {1}
    )


def _subpixel(lax_form: Convolution, call: Call) -> Any:
    convolution = functools.partial(selected, lax_form)
    return subpixel.subpixel(convolution, call.x, call.kernel, out_shape=call.out_shape, **call.params)


def _is_onednns(call: Call) -> bool:
    return onednn.is_in_force() and onednn.suits(call.x, call.kernel, call.out_shape, **call.params)


def by_onednn(lax_form: Convolution, call: Call) -> Any:
    """As fast as the machine's matrix products, or faster, for all but depthwise convolutions."""
    options = {name: call.params[name] for name in ("window_strides", "padding", "rhs_dilation")}
    return onednn.convolution(call.x, call.kernel, out_shape=call.out_shape, **options, groups=call.groups)


def block_of(call: Call) -> int:
    """How many cells of a row make a block for oneDNN."""
    return blocks.fitting(call.kernel, call.out_shape, **call.params)


def blocks_by_onednn(lax_form: Convolution, call: Call) -> Any:
    """Up to three times as fast where features are few."""
    options = {name: call.params[name] for name in ("window_strides", "padding", "rhs_dilation")}
    return blocks.convolution(call.x, call.kernel, block_of(call), out_shape=call.out_shape, **options)


def _spreads(call: Call) -> bool:
    grows = math.prod(call.out_shape) > math.prod(call.x.shape[1:-1])
    return grows and call.groups == 1 and set(call.params["window_strides"]) == {1} and call.taps <= MOST_TAPS


def _spread(lax_form: Convolution, call: Call) -> Any:
    names = ("padding", "lhs_dilation", "rhs_dilation")
    options = {name: call.params[name] for name in names}
    return spread.spread(call.x, call.kernel, out_shape=call.out_shape, **options)


def _is_narrow(call: Call) -> bool:
    return max(call.x.shape[-1], call.kernel.shape[-1]) <= MOST_SMALL_FEATURES


def _has_long_rows(call: Call) -> bool:
    """XLA gives such convolutions in 2-D to a library that takes twice as long as its own path for those in 1-D."""
    return (
        call.groups == 1
        and len(call.out_shape) > 1
        and 1 < call.taps <= MOST_TAPS
        and set(call.params["lhs_dilation"]) == {1}
        and call.x.shape[-1] >= LEAST_CHANNELS
        and not _is_narrow(call)
    )


def _rows(lax_form: Convolution, call: Call) -> Any:
    return rows.sum_of_rows(lax_form, call.x, call.kernel, out_shape=call.out_shape, **call.params)


def _whole(lax_form: Convolution, call: Call) -> Any:
    return lax_form(call.x, call.kernel, **call.params)


def _sliced(lax_form: Convolution, call: Call) -> Any:
    unrolled = math.prod(call.out_shape) * call.taps * call.x.shape[-1] * call.x.dtype.itemsize
    form = functools.partial(lax_form, **call.params)
    return mapped(lambda x: form(x, call.kernel), call.x, unrolled, UNROLLED_BYTES)


RULES = (
    Rule(_is_depthwise, _multiplied),
    Rule(_has_holes, _subpixel),
    Rule(lambda call: _is_onednns(call) and block_of(call) > 1, blocks_by_onednn),
    Rule(_is_onednns, by_onednn),
    Rule(_spreads, _spread),
    Rule(_has_long_rows, _rows),
    Rule(_is_narrow, _whole),
    Rule(lambda call: True, _sliced),
)
