"""The primitive against lax's own convolution: every transformation, every dimension number, every platform."""

import functools
import re
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax
from jax.sharding import Mesh, PartitionSpec

from jaxcnn.lowering.primitive import conv_general_dilated

OPTIONS = {
    "window_strides": (2, 1),
    "padding": [(1, 0), (0, 2)],
    "lhs_dilation": (1, 2),
    "rhs_dilation": (2, 1),
    "dimension_numbers": ("NHWC", "HWIO", "NHWC"),
}


def whole(*shape, seed=0):
    """Small whole numbers, on which float32 sums are exact in any order."""
    return jnp.asarray(np.random.default_rng(seed).integers(-3, 4, shape), jnp.float32)


ARRAYS = whole(2, 4, 3, 2), whole(2, 2, 2, 3, seed=1)


def cubed(conv):
    """A scalar whose second derivatives mix both operands, exact on small whole numbers."""
    return lambda x, w: jnp.sum(conv(x, w) ** 3)


def scanned(conv):
    def total(x, w):
        return lax.scan(lambda total, image: (total + cubed(conv)(image[None], w), None), 0.0, x)[0]

    return total


def awaited(conv):
    def step(carry):
        return carry[0] + 1, jnp.clip(carry[1] + conv(*ARRAYS)[:, :4, :3, :2], -2, 2)

    start = 0, jnp.zeros(conv(*ARRAYS)[:, :4, :3, :2].shape)
    return lambda x, w: lax.while_loop(lambda carry: carry[0] < 3, step, start)[1]


TRANSFORMS = {
    "value": lambda conv: conv,
    "grad": lambda conv: jax.grad(cubed(conv), (0, 1)),
    "grad of a scan": lambda conv: jax.grad(scanned(conv), (0, 1)),
    "remat": lambda conv: jax.grad(jax.checkpoint(cubed(conv)), (0, 1)),
    "jvp": lambda conv: lambda x, w: jax.jvp(conv, (x, w), (w.sum() * x, x.sum() * w)),
    "linearize": lambda conv: lambda x, w: jax.linearize(conv, x, w)[1](2 * x, 3 * w),
    "forward over reverse": lambda conv: lambda *a: jax.jvp(jax.grad(cubed(conv), (0, 1)), a, a)[1],
    "reverse over reverse": lambda conv: jax.grad(
        lambda *a: sum(g.sum() for g in jax.grad(cubed(conv), (0, 1))(*a)), 0
    ),
    "hessian": lambda conv: jax.hessian(lambda x, w: jnp.sum(conv(x[:1], w)[:, 0] ** 2), 1),
    "jacfwd": lambda conv: jax.jacfwd(lambda x, w: conv(x, w).sum((0, 1)), 1),
    "jacrev": lambda conv: jax.jacrev(lambda x, w: conv(x, w).sum((0, 1)), 1),
    "while loop": awaited,
    "vmap": lambda conv: jax.vmap(lambda x, w: conv(x[None], w), (0, None)),
    "vmap of grad": lambda conv: jax.vmap(lambda x, w: jax.grad(cubed(conv), (0, 1))(x[None], w), (0, None)),
    "vmap over kernels": lambda conv: lambda x, w: jax.vmap(jax.grad(cubed(conv), 1), (None, 0))(x, jnp.stack([w, -w])),
    "vmap over both": lambda conv: lambda x, w: jax.vmap(conv)(jnp.stack([x, 2 * x]), jnp.stack([w, -w])),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformations_equal_laxs(name):
    ours, laxs = (
        jax.jit(TRANSFORMS[name](functools.partial(conv, **OPTIONS)))(*ARRAYS)
        for conv in (conv_general_dilated, lax.conv_general_dilated)
    )
    jax.tree.map(np.testing.assert_array_equal, ours, laxs)


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((2, 3, 6, 5), (4, 3, 3, 2), {}),
        ((6, 3, 2, 5), (3, 4, 2, 3), {"dimension_numbers": ("HCNW", "WOHI", "WNHC")}),
        ((2, 4, 5, 5), (6, 2, 3, 3), {"feature_group_count": 2}),
        ((4, 3, 5, 5), (6, 3, 3, 3), {"batch_group_count": 2}),
        ((2, 3, 6), (4, 3, 3), {"window_strides": (2,), "padding": "SAME"}),
        ((2, 2, 3, 3, 3), (2, 2, 2, 2, 2), {"window_strides": (1, 2, 1), "padding": "SAME_LOWER"}),
    ],
)
def test_signature_and_dimension_numbers_are_laxs(x, w, options):
    x, w = whole(*x), whole(*w, seed=1)
    options = {"window_strides": (1, 2), "padding": "VALID"} | options
    strides, padding = options.pop("window_strides"), options.pop("padding")

    def value_and_cotangents(conv, x, w):
        y, pull = jax.vjp(lambda x, w: conv(x, w, strides, padding, **options), x, w)
        return y, pull(y)

    ours, laxs = (
        jax.jit(functools.partial(value_and_cotangents, conv))(x, w)
        for conv in (conv_general_dilated, lax.conv_general_dilated)
    )
    jax.tree.map(np.testing.assert_array_equal, ours, laxs)


@pytest.mark.parametrize(
    ("dtype", "preferred"),
    [
        ("int8", None),
        ("int8", "int32"),
        ("int8", "float32"),
        ("bfloat16", "float32"),
        ("float16", None),
        ("bool", None),
    ],
)
def test_element_types_are_laxs(dtype, preferred):
    x, w = (jnp.asarray(np.abs(a) % 3, dtype) for a in ARRAYS)
    ours, laxs = (
        conv(x, w, preferred_element_type=preferred and jnp.dtype(preferred), **OPTIONS)
        for conv in (conv_general_dilated, lax.conv_general_dilated)
    )
    assert ours.dtype == laxs.dtype
    np.testing.assert_array_equal(ours, laxs)


def test_laxs_errors_come_through():
    with pytest.raises(TypeError, match="convolution requires lhs and rhs ndim to be equal"):
        conv_general_dilated(jnp.ones((1, 3, 3)), jnp.ones((1, 3, 3, 3)), (1, 1), "VALID")


def canonical_conv(conv):
    return functools.partial(
        conv, window_strides=(2, 2), padding="SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=1
    )


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_other_platforms_get_laxs_convolutions(platform):
    shapes = jax.ShapeDtypeStruct((2, 6, 6, 3), jnp.float32), jax.ShapeDtypeStruct((3, 3, 3, 4), jnp.float32)

    def convolutions(conv):
        both = jax.jit(jax.value_and_grad(cubed(canonical_conv(conv)), (0, 1)))
        text = export.export(both, platforms=[platform])(*shapes).mlir_module()
        return sorted(re.findall(r"stablehlo\.convolution.*?(dim_numbers.*?) :", text))

    ours = convolutions(conv_general_dilated)
    assert len(ours) == 3
    assert ours == convolutions(lax.conv_general_dilated)


def test_export_for_cpu_and_cuda_together():
    exported = export.export(jax.jit(canonical_conv(conv_general_dilated)), platforms=["cpu", "cuda"])
    x, w = whole(2, 6, 6, 3), whole(3, 3, 3, 4, seed=1)
    np.testing.assert_array_equal(exported(x, w).call(x, w), canonical_conv(lax.conv_general_dilated)(x, w))


def test_export_for_any_batch():
    (batch,) = export.symbolic_shape("batch")
    x, w = whole(5, 6, 6, 3), whole(3, 3, 3, 4, seed=1)
    gradient = jax.jit(jax.grad(cubed(canonical_conv(conv_general_dilated)), (0, 1)))
    exported = export.export(gradient)(jax.ShapeDtypeStruct((batch, 6, 6, 3), x.dtype), w)
    jax.tree.map(np.testing.assert_array_equal, exported.call(x, w), gradient(x, w))


def test_cost_is_counted_once():
    # Large enough that what the forms add, and multiply beyond the borders, does not show beside the products.
    x, w = whole(2, 24, 24, 24), whole(3, 3, 24, 32, seed=1)

    def flops(conv, of):
        return jax.jit(of(canonical_conv(conv))).lower(x, w).cost_analysis()["flops"]

    for of in (lambda conv: conv, lambda conv: jax.grad(lambda x, w: conv(x, w).sum(), (0, 1))):
        ours, laxs = (flops(conv, of) for conv in (conv_general_dilated, lax.conv_general_dilated))
        assert 0.9 * laxs <= ours <= 1.2 * laxs


def test_inside_shard_map():
    mesh = Mesh(np.array(jax.devices("cpu")[:1]), ("data",))
    x, w = whole(2, 6, 6, 3), whole(3, 3, 3, 4, seed=1)

    def gradients(conv):
        grad = jax.grad(cubed(canonical_conv(conv)), (0, 1))
        data, everywhere = PartitionSpec("data"), PartitionSpec()
        return jax.jit(jax.shard_map(grad, mesh=mesh, in_specs=(data, everywhere), out_specs=(data, everywhere)))(x, w)

    ours, laxs = gradients(conv_general_dilated), gradients(lax.conv_general_dilated)
    jax.tree.map(np.testing.assert_array_equal, ours, laxs)


@pytest.mark.parametrize(
    "moved",
    [
        "sys.modules['jax.extend.core'] = jax.extend.core = types.ModuleType('jax.extend.core')",
        "del jax.interpreters.mlir.register_lowering",
    ],
)
def test_lax_where_a_future_jax_has_moved_an_interface(moved):
    script = f"""
    import sys, types, warnings
    import jax, jax.extend, jax.interpreters.mlir
    import jax.numpy as jnp
    {moved}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import jaxcnn.functional as F
    (warning,) = [w for w in caught if "jaxcnn" in str(w.message)]
    assert warning.category is RuntimeWarning
    assert "runs on lax's own convolution" in str(warning.message)
    convolution = jax.value_and_grad(lambda x: F.conv(x, jnp.ones((2, 1, 1))).sum())
    assert "jaxcnn" not in str(jax.make_jaxpr(convolution)(jnp.ones((1, 3, 1))))
    assert convolution(jnp.ones((1, 3, 1)))[0] == 4
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=120)
