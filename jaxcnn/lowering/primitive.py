"""One convolution primitive: lax's own rules for autodiff and batching, our lowering on the CPU.

The only file that touches what JAX calls semi-public (`jax.extend`, `jax.interpreters`). Where a future JAX has moved
it, `conv_general_dilated` is lax's, after one warning, and `accelerate_cpu` changes nothing.

lax's rules are traced and re-bound to the primitive, so that gradients of every order, jvp, vmap, scan, remat and
export work as they do for lax, and the CPU lowering sees each convolution those transformations make.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from jaxcnn.lowering import conv, max_gradient, onednn

core: Any = None
ad: Any = None
batching: Any = None
mlir: Any = None
conv_p: Any = None
# lax's convolution under another name: on the CPU lax's own rule lowers it, whatever is in force for lax's.
kept_p: Any = None
# lax's own CPU rules for convolutions and for the gradient of max pooling; empty where they can't be replaced.
laxs_rules: tuple[Any, ...] = ()


def _lax_form(lhs: Any, rhs: Any, **params: Any) -> Any:
    return _lax_p.bind(lhs, rhs, **params)


def _kept_form(lhs: Any, rhs: Any, **params: Any) -> Any:
    return (_lax_p if kept_p is None else kept_p).bind(lhs, rhs, **params)


def _rebind(ours: Any, function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, written on lax's convolution, evaluated with the primitive `ours` in its place."""
    closed = jax.make_jaxpr(function)(*args)
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, args, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for eqn in closed.jaxpr.eqns:
        primitive = ours if eqn.primitive is _lax_p else eqn.primitive
        out = primitive.bind(*map(read, eqn.invars), **eqn.params)
        values.update(zip(eqn.outvars, out if primitive.multiple_results else [out], strict=True))
    (result,) = map(read, closed.jaxpr.outvars)
    return result


def _abstract(lhs: Any, rhs: Any, **params: Any) -> Any:
    # Whole avals, not just shape and dtype: they also carry the axes that shard_map varies over.
    return jax.make_jaxpr(functools.partial(_lax_form, **params))(lhs, rhs).out_avals[0]


def _transpose_lhs(ours: Any, ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    def cotangent(ct: Any, rhs: Any) -> Any:
        (out,) = jax.linear_transpose(lambda lhs: _lax_form(lhs, rhs, **params), lhs.aval)(ct)
        return out

    return _rebind(ours, cotangent, ct, rhs)


def _transpose_rhs(ours: Any, ct: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    def cotangent(ct: Any, lhs: Any) -> Any:
        (out,) = jax.linear_transpose(lambda rhs: _lax_form(lhs, rhs, **params), rhs.aval)(ct)
        return out

    return _rebind(ours, cotangent, ct, lhs)


def _batch(ours: Any, operands: Any, axes: Any, **params: Any) -> Any:
    return _rebind(ours, jax.vmap(functools.partial(_lax_form, **params), in_axes=tuple(axes)), *operands), 0


@functools.partial(jax.jit, static_argnums=(0, 3))
def _eager(ours: Any, lhs: Any, rhs: Any, params: tuple[tuple[str, Any], ...]) -> Any:
    return ours.bind(lhs, rhs, **dict(params))


def _impl(ours: Any, lhs: Any, rhs: Any, **params: Any) -> Any:
    # Compiled under jax.disable_jit too, as lax's own primitives are: uncompiled, it would call itself for ever.
    with jax.disable_jit(False):
        return _eager(ours, lhs, rhs, tuple(params.items()))


def _register(name: str, cpu_rule: Any) -> Any:
    """A primitive with lax's rules, re-bound to itself, and its lowering, but for `cpu_rule`."""
    primitive = core.Primitive(name)
    primitive.def_impl(functools.partial(_impl, primitive))
    primitive.def_abstract_eval(_abstract)
    ad.defbilinear(primitive, *(functools.partial(rule, primitive) for rule in (_transpose_lhs, _transpose_rhs)))
    batching.primitive_batchers[primitive] = functools.partial(_batch, primitive)
    mlir.register_lowering(primitive, mlir.lower_fun(_lax_form, multiple_results=False))
    mlir.register_lowering(primitive, cpu_rule, platform="cpu")
    return primitive


def _cpu_rule(form: Callable[..., Any]) -> Any:
    return mlir.lower_fun(form, multiple_results=False)


def _our_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
    if _is_sharded_by_type(ctx):
        return _cpu_rule(functools.partial(conv.cut, _kept_form))(ctx, *operands, **params)
    # XLA can neither divide calls of oneDNN between devices nor put them into an exported program.
    exported = getattr(ctx.module_context.lowering_parameters, "for_export", True)
    with onednn.in_force(onednn.is_in_force() and not exported and not _is_partitioned(ctx)):
        return _cpu_rule(functools.partial(conv.cpu_form, _kept_form))(ctx, *operands, **params)


def rules_in_force() -> tuple[Any, ...]:
    """The CPU rules for lax's convolution and for `select_and_scatter_add`, to be put in force again."""
    return tuple(mlir._platform_specific_lowerings["cpu"][primitive] for primitive in _accelerated())


def put_in_force(rules: tuple[Any, ...]) -> None:
    """What `rules_in_force` has returned, for what is compiled from now on."""
    mlir._platform_specific_lowerings["cpu"].update(zip(_accelerated(), rules, strict=True))


def accelerate() -> None:
    """Put our forms in force for lax's own primitives."""
    for primitive, rule in zip(_accelerated(), (_conv_rule, _max_gradient_rule), strict=True):
        mlir.register_lowering(primitive, rule, platform="cpu")


def _accelerated() -> tuple[Any, ...]:
    return lax.conv_general_dilated_p, lax.select_and_scatter_add_p


def _conv_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
    return (laxs_rules[0].rule if _is_partitioned(ctx) else _our_rule)(ctx, *operands, **params)


def _max_gradient_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
    is_ours = max_gradient.suits(*ctx.avals_in, **params) and not _is_partitioned(ctx)
    ours = _cpu_rule(max_gradient.select_and_scatter_add)
    return (ours if is_ours else laxs_rules[1].rule)(ctx, *operands, **params)


def _is_sharded_by_type(ctx: Any) -> bool:
    # Our forms reshape a batch, which JAX refuses where its type says how it is sharded.
    avals = (*ctx.avals_in, *ctx.avals_out)
    return any(any(getattr(getattr(aval, "sharding", None), "spec", ())) for aval in avals)


def _is_partitioned(ctx: Any) -> bool:
    # XLA would gather a batch that is spread over devices before it slices or tiles it.
    return getattr(ctx.module_context.axis_context, "num_devices", 1) != 1


try:
    from jax.extend import core
    from jax.interpreters import ad, batching, mlir

    _lax_p: Any = lax.conv_general_dilated_p
    conv_p = _register("jaxcnn_conv", _our_rule)
except (ImportError, AttributeError, TypeError) as moved:
    warnings.warn(
        f"jaxcnn runs on lax's own convolution, slower on CPUs, and accelerate_cpu changes nothing: jax "
        f"{jax.__version__} has moved an interface ({moved}); update jaxcnn",
        RuntimeWarning,
        stacklevel=2,
    )

try:
    laxs_rules = rules_in_force()
    kept_p = _register("lax_conv", laxs_rules[0].rule)
except (AttributeError, KeyError, TypeError):
    # Convolutions of our own do without; accelerate_cpu says so.
    laxs_rules = ()


def conv_general_dilated(lhs: Any, rhs: Any, *args: Any, **kwargs: Any) -> Any:
    """`lax.conv_general_dilated`, its signature and results, on our primitive."""

    def operation(lhs: Any, rhs: Any) -> Any:
        return lax.conv_general_dilated(lhs, rhs, *args, **kwargs)

    return operation(lhs, rhs) if conv_p is None else _rebind(conv_p, operation, lhs, rhs)
