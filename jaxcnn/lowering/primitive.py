"""One convolution primitive: lax's own rules for autodiff and batching, our lowering on the CPU.

The only file that touches what JAX calls semi-public (`jax.extend`, `jax.interpreters`). Where a future JAX has moved
it, `conv_general_dilated` is lax's, after one warning.

lax's rules are traced and re-bound to the primitive, so that gradients of every order, jvp, vmap, scan, remat and
export work as they do for lax, and the CPU lowering sees each convolution those transformations make.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from jaxcnn.lowering import conv

core: Any = None
ad: Any = None
batching: Any = None
mlir: Any = None
conv_p: Any = None


def _lax_form(lhs: Any, rhs: Any, **params: Any) -> Any:
    return _lax_p.bind(lhs, rhs, **params)


def _rebind(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, written on lax's convolution, evaluated with our primitive in its place."""
    closed = jax.make_jaxpr(function)(*args)
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, args, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for eqn in closed.jaxpr.eqns:
        primitive = conv_p if eqn.primitive is _lax_p else eqn.primitive
        out = primitive.bind(*map(read, eqn.invars), **eqn.params)
        values.update(zip(eqn.outvars, out if primitive.multiple_results else [out], strict=True))
    (result,) = map(read, closed.jaxpr.outvars)
    return result


def _abstract(lhs: Any, rhs: Any, **params: Any) -> Any:
    # Whole avals, not just shape and dtype: they also carry the axes that shard_map varies over.
    return jax.make_jaxpr(functools.partial(_lax_form, **params))(lhs, rhs).out_avals[0]


def _transpose_lhs(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    def cotangent(ct: Any, rhs: Any) -> Any:
        (out,) = jax.linear_transpose(lambda lhs: _lax_form(lhs, rhs, **params), lhs.aval)(ct)
        return out

    return _rebind(cotangent, ct, rhs)


def _transpose_rhs(ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    def cotangent(ct: Any, lhs: Any) -> Any:
        (out,) = jax.linear_transpose(lambda rhs: _lax_form(lhs, rhs, **params), rhs.aval)(ct)
        return out

    return _rebind(cotangent, ct, lhs)


def _batch(operands: Any, axes: Any, **params: Any) -> Any:
    return _rebind(jax.vmap(functools.partial(_lax_form, **params), in_axes=tuple(axes)), *operands), 0


@functools.partial(jax.jit, static_argnums=2)
def _eager(lhs: Any, rhs: Any, params: tuple[tuple[str, Any], ...]) -> Any:
    return conv_p.bind(lhs, rhs, **dict(params))


def _impl(lhs: Any, rhs: Any, **params: Any) -> Any:
    # Compiled under jax.disable_jit too, as lax's own primitives are: uncompiled, it would call itself for ever.
    with jax.disable_jit(False):
        return _eager(lhs, rhs, tuple(params.items()))


def _register() -> Any:
    primitive = core.Primitive("jaxcnn_conv")
    primitive.def_impl(_impl)
    primitive.def_abstract_eval(_abstract)
    ad.defbilinear(primitive, _transpose_lhs, _transpose_rhs)
    batching.primitive_batchers[primitive] = _batch
    mlir.register_lowering(primitive, mlir.lower_fun(_lax_form, multiple_results=False))
    cpu_form = functools.partial(conv.cpu_form, _lax_form)
    mlir.register_lowering(primitive, mlir.lower_fun(cpu_form, multiple_results=False), platform="cpu")
    return primitive


try:
    from jax.extend import core
    from jax.interpreters import ad, batching, mlir

    _lax_p: Any = lax.conv_general_dilated_p
    conv_p = _register()
except (ImportError, AttributeError, TypeError) as moved:
    warnings.warn(
        f"jaxcnn runs on lax's own convolution, slower on CPUs: jax {jax.__version__} has moved an interface "
        f"({moved}); update jaxcnn",
        RuntimeWarning,
        stacklevel=2,
    )


def conv_general_dilated(lhs: Any, rhs: Any, *args: Any, **kwargs: Any) -> Any:
    """`lax.conv_general_dilated`, its signature and results, on our primitive."""

    def operation(lhs: Any, rhs: Any) -> Any:
        return lax.conv_general_dilated(lhs, rhs, *args, **kwargs)

    return operation(lhs, rhs) if conv_p is None else _rebind(operation, lhs, rhs)
