"""Convolutions by oneDNN: lax's numbers under every transformation, and lax's or our forms wherever it can't serve."""

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export, lax

from jaxcnn.lowering import exchanged, onednn, patches
from jaxcnn.lowering.primitive import conv_general_dilated

QUICK = settings(max_examples=12)
NUMBERS = {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}

only_where_tested = pytest.mark.skipif(
    not onednn.is_available(), reason="oneDNN's calls are used on x86-64 Linux, with the versions of jaxlib in TESTED"
)


def whole(*shape, seed=0):
    """Small whole numbers: sums of their products are exact in any order."""
    return jnp.asarray(np.random.default_rng(seed).integers(-4, 5, shape), jnp.float32)


def lowered(function, *arrays):
    """The text of the program that fit would compile."""
    with onednn.in_force():
        return jax.jit(lambda *arrays: function(*arrays)).lower(*arrays).as_text()


def computed(function, *arrays):
    with onednn.in_force():
        return jax.jit(lambda *arrays: function(*arrays))(*arrays)


@st.composite
def convolutions(draw):
    """Operand shapes and a convolution's options."""
    n = draw(st.sampled_from([1, 2, 2, 2, 3]))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))

    window, strides, holes, spacing = ints(1, 3), ints(1, 3), ints(1, 2), ints(1, 2)
    pads = [(draw(st.integers(-1, 3)), draw(st.integers(0, 4))) for _ in range(n)]
    groups, inner, outer = (
        draw(st.sampled_from([1, 1, 2, 3])),
        draw(st.sampled_from([1, 3, 9])),
        draw(st.integers(1, 3)),
    )
    spatial = tuple((w - 1) * d + 1 + draw(st.integers(1, 4)) for w, d in zip(window, holes, strict=True))
    options = {
        "window_strides": strides,
        "padding": pads,
        "lhs_dilation": draw(st.sampled_from([(1,) * n, spacing])),
        "rhs_dilation": holes,
        "dimension_numbers": NUMBERS[n],
        "feature_group_count": groups,
    }
    return (draw(st.integers(1, 3)), *spatial, groups * inner), (*window, inner, groups * outer), options


@only_where_tested
@QUICK
@given(convolutions(), st.integers(1, 4000), st.booleans())
def test_values_and_gradients_equal_laxs(case, slice_bytes, exchanges):
    x_shape, kernel_shape, options = case
    x, kernel = whole(*x_shape), whole(*kernel_shape, seed=1)

    def pulled(conv):
        def both(x, kernel):
            y, pull = jax.vjp(functools.partial(conv, **options), x, kernel)
            return y, pull(jnp.round(y / 8))

        return both

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "PATCH_BYTES", slice_bytes)
        patch.setattr(exchanged, "COTANGENT_BYTES", slice_bytes)
        if exchanges:
            for limit in ("LEAST_IMAGES", "LEAST_CHANNELS", "ENOUGH_CHANNELS"):
                patch.setattr(exchanged, limit, 1)
        ours = computed(pulled(conv_general_dilated), x, kernel)
    jax.tree.map(np.testing.assert_array_equal, ours, jax.jit(pulled(lax.conv_general_dilated))(x, kernel))


def conv(x, kernel):
    return conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=NUMBERS[2])


def cubed(x, kernel):
    return (conv(x, kernel) ** 3).sum() / 1024


@only_where_tested
@pytest.mark.parametrize(
    "function",
    [
        lambda x, k: lax.scan(lambda c, _: (c + jax.grad(cubed, 1)(x, c), None), k, length=2)[0],
        lambda x, k: jax.vmap(conv)(x[:, None], jnp.stack([k, 2 * k])),
        lambda x, k: jax.jvp(cubed, (x, k), (x, k)),
        lambda x, k: jax.jvp(jax.grad(cubed, (0, 1)), (x, k), (k.sum() * x, k)),
        lambda x, k: jax.grad(lambda k: jax.grad(jax.checkpoint(cubed))(x, k).sum())(k),
    ],
)
def test_transformations(function):
    x, kernel = whole(2, 6, 5, 3), whole(3, 3, 3, 3, seed=1)
    assert "__onednn$" in lowered(function, x, kernel)
    jax.tree.map(
        functools.partial(np.testing.assert_allclose, rtol=1e-5), computed(function, x, kernel), function(x, kernel)
    )


def test_it_must_be_asked_for():
    x, kernel = whole(2, 6, 5, 3), whole(3, 3, 3, 3)
    assert "__onednn$" not in jax.jit(lambda x, kernel: conv(x, kernel)).lower(x, kernel).as_text()


@pytest.mark.parametrize("change", [("TESTED", ("0.1",)), ("JAXCNN_ONEDNN", "0")])
def test_unknown_versions_and_users_who_turn_it_off_go_without(change, monkeypatch):
    name, value = change
    monkeypatch.setattr(onednn, name, value) if name == "TESTED" else monkeypatch.setenv(name, value)
    onednn.is_available.cache_clear()
    try:
        assert "__onednn$" not in lowered(conv, whole(2, 6, 5, 3), whole(3, 3, 3, 3))
    finally:
        onednn.is_available.cache_clear()


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.int32, jnp.complex64])
def test_other_dtypes_go_without(dtype, x64):
    x, kernel = whole(2, 6, 5, 3).astype(dtype), whole(3, 3, 3, 3).astype(dtype)
    assert "__onednn$" not in lowered(conv, x, kernel)


@only_where_tested
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_types_are_summed_in_float32(dtype):
    x, kernel = whole(2, 6, 5, 3).astype(dtype), whole(3, 3, 3, 3).astype(dtype)
    assert "__onednn$convolution" in lowered(conv, x, kernel)
    np.testing.assert_array_equal(computed(conv, x, kernel), conv(x, kernel))


def test_exported_programs_go_without():
    with onednn.in_force():
        exported = export.export(jax.jit(lambda x, kernel: conv(x, kernel)))(whole(2, 6, 5, 3), whole(3, 3, 3, 3))
    assert "__onednn$" not in exported.mlir_module()


def test_an_unknown_batch_goes_without():
    (batch,) = export.symbolic_shape("batch")
    kernel = whole(3, 3, 3, 3)
    with onednn.in_force():
        exported = export.export(jax.jit(lambda x: jax.grad(cubed)(x, kernel)))(
            jax.ShapeDtypeStruct((batch, 6, 5, 3), jnp.float32)
        )
    assert "__onednn$" not in exported.mlir_module()


@only_where_tested
def test_an_empty_batch_has_a_gradient_of_zeros():
    x, kernel = jnp.zeros((0, 6, 5, 9)), whole(3, 3, 9, 3)
    np.testing.assert_array_equal(computed(jax.grad(cubed, 1), x, kernel), jnp.zeros_like(kernel))


ON_TWO_DEVICES = """
import jax, jax.numpy as jnp
from jax.sharding import PartitionSpec as P
from jaxcnn.functional import conv
from jaxcnn.lowering import onednn

mesh = jax.make_mesh((2,), ("data",))
x = jax.device_put(jnp.ones((4, 6, 5, 3)), jax.NamedSharding(mesh, P("data")))
with onednn.in_force():
    lowered = jax.jit(lambda x: conv(x, jnp.ones((3, 3, 3, 2)))).lower(x)
print("__onednn$" in lowered.as_text(), lowered.compile()(x).sharding.spec[0])
"""


@pytest.mark.slow
def test_several_devices_go_without():
    # XLA would gather the batch before a call that it can't divide.
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    told = subprocess.run(
        [sys.executable, "-c", ON_TWO_DEVICES], env=os.environ | devices, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["False", "data"]
