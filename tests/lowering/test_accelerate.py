"""`jaxcnn.accelerate_cpu`: lax's own results, from our forms, for as long as it is asked for."""

import contextlib
import functools
import subprocess
import sys
import textwrap

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import export, lax
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

import jaxcnn
import jaxcnn.functional as F

NUMBERS = ("NHWC", "HWIO", "NHWC")


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


IMAGES, KERNEL = normal(3, 9, 8, 2), normal(3, 3, 2, 4, seed=1)


def layer(x, w, window=(1, 2, 2, 1), strides=(1, 2, 2, 1), padding="VALID"):
    """A convolution and a maximum as plain lax."""
    y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NUMBERS)
    return lax.reduce_window(y, -jnp.inf, lax.max, window, strides, padding)


def total(x, w):
    return jnp.sum(jnp.sin(layer(x, w)))


def text_of_gradient():
    """What a program of lax's lowers to now; a new function each time, as nothing already lowered is done again."""
    return jax.jit(jax.grad(lambda x, w: total(x, w), (0, 1))).lower(IMAGES, KERNEL).as_text()


def off_and_on(make, *args):
    """The results of the program that `make` returns, compiled as lax has it and in our forms."""
    results = []
    # One line makes both, since exported programs tell their sources' lines.
    for context in (contextlib.nullcontext, jaxcnn.accelerate_cpu):
        with context():
            results.append(make()(*args))
    return results


def assert_same(make, *args):
    off, on = off_and_on(make, *args)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=2e-5), on, off)


def test_in_force_only_while_asked_for():
    laxs = text_of_gradient()
    assert "select_and_scatter" in laxs
    with jaxcnn.accelerate_cpu():
        ours = text_of_gradient()
        assert "select_and_scatter" not in ours
        with jaxcnn.accelerate_cpu() as inner:
            assert text_of_gradient() == ours
            inner.off()
            assert text_of_gradient() == laxs
        assert text_of_gradient() == ours
    assert text_of_gradient() == laxs


def test_restored_after_an_error():
    laxs = text_of_gradient()
    with pytest.raises(KeyError), jaxcnn.accelerate_cpu():
        raise KeyError
    assert text_of_gradient() == laxs


def test_on_until_off():
    laxs = text_of_gradient()
    first, second = jaxcnn.accelerate_cpu(), jaxcnn.accelerate_cpu()
    try:
        assert text_of_gradient() != laxs
        first.off()
        assert text_of_gradient() == laxs
    finally:
        second.off()
    assert text_of_gradient() == laxs


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_other_platforms_are_not_concerned(platform):
    def text():
        exported = export.export(jax.jit(jax.grad(lambda x, w: total(x, w))), platforms=[platform])
        return exported(IMAGES, KERNEL).mlir_module()

    off, on = off_and_on(lambda: text)
    assert on == off


def test_programs_over_several_devices_are_not_concerned():
    spread = NamedSharding(AbstractMesh((2,), ("data",)), PartitionSpec("data"))
    images = jax.ShapeDtypeStruct((4, 9, 8, 2), jnp.float32, sharding=spread)

    def text():
        traced = jax.jit(jax.grad(lambda x, w: total(x, w))).trace(images, KERNEL)
        return traced.lower(lowering_platforms=("cpu",)).as_text()

    off, on = off_and_on(lambda: text)
    assert on == off


def test_our_own_convolution_takes_its_form_once():
    def text():
        return jax.jit(lambda x, w: F.conv(x, w)).lower(IMAGES, KERNEL).as_text()

    off, on = off_and_on(lambda: text)
    assert on == off


TRANSFORMS = {
    "jit": lambda: jax.jit(jax.value_and_grad(lambda *a: total(*a), (0, 1))),
    "jvp": lambda: jax.jit(lambda x, w: jax.jvp(lambda x: total(x, w), (x,), (x**2,))),
    "grad of grad": lambda: jax.jit(jax.grad(lambda x, w: jnp.sum(jax.grad(lambda *a: total(*a))(x, w) ** 2), (0, 1))),
    "remat": lambda: jax.jit(jax.grad(jax.checkpoint(lambda *a: total(*a)), (0, 1))),
    "scan": lambda: jax.jit(
        jax.grad(lambda x, w: lax.scan(lambda c, image: (c + total(image[None], w), None), 0.0, x)[0], (0, 1))
    ),
    "scan of grad": lambda: jax.jit(
        lambda x, w: lax.scan(lambda w, _: (w - 0.01 * jax.grad(total, 1)(x, w), None), w, None, length=2)[0]
    ),
    "vmap": lambda: jax.jit(jax.vmap(jax.grad(lambda x, w: total(x[None], w)), (0, None))),
    "vmap over kernels": lambda: jax.jit(
        lambda x, w: jax.vmap(jax.grad(lambda *a: total(*a), 1), (None, 0))(x, jnp.stack([w, -w]))
    ),
    "export": lambda: lambda x, w: export.export(jax.jit(jax.grad(lambda *a: total(*a), (0, 1))))(x, w).call(x, w),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformations(name):
    assert_same(TRANSFORMS[name], IMAGES, KERNEL)


def test_eager():
    # A shape that no other test uses: eager results are compiled once for each.
    with jaxcnn.accelerate_cpu():
        on = jax.grad(total, (0, 1))(IMAGES[:, :7, :7], KERNEL)
    off = jax.jit(jax.grad(lambda *a: total(*a), (0, 1)))(IMAGES[:, :7, :7], KERNEL)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=2e-5), on, off)


def test_any_batch():
    (batch,) = export.symbolic_shape("batch")
    images = jax.ShapeDtypeStruct((batch, *IMAGES.shape[1:]), IMAGES.dtype)
    assert_same(lambda: export.export(jax.jit(jax.grad(lambda *a: total(*a))))(images, KERNEL).call, IMAGES, KERNEL)


def test_inside_shard_map():
    mesh, data, everywhere = Mesh(jax.devices("cpu")[:1], ("data",)), PartitionSpec("data"), PartitionSpec()

    def make():
        grad = jax.grad(lambda x, w: total(x, w), (0, 1))
        return jax.jit(jax.shard_map(grad, mesh=mesh, in_specs=(data, everywhere), out_specs=(data, everywhere)))

    assert_same(make, IMAGES, KERNEL)


@settings(max_examples=10)
@given(data=st.data(), batch=st.integers(1, 5))
@pytest.mark.slow
def test_random_convolutions(data, batch):
    channels, features = data.draw(st.sampled_from([1, 2, 5])), data.draw(st.sampled_from([1, 4, 10]))
    window, strides, dilation = (data.draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (4, 2, 2))
    groups = data.draw(st.sampled_from([n for n in (1, 2, 5) if channels % n == 0 and features % n == 0]))
    x, w = normal(batch, 9, 8, channels), normal(*window, channels // groups, features, seed=1)

    def make():
        def conv(x, w):
            options = {"rhs_dilation": dilation, "dimension_numbers": NUMBERS, "feature_group_count": groups}
            return jnp.sum(jnp.sin(lax.conv_general_dilated(x, w, strides, "SAME", **options)))

        return jax.jit(jax.value_and_grad(conv, (0, 1)))

    assert_same(make, x, w)


def test_complex_and_batch_groups():
    x, w = normal(4, 6, 6, 2), normal(3, 3, 2, 4, seed=1)

    def make():
        complexes = jax.jit(lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NUMBERS))
        grouped = jax.jit(
            lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=NUMBERS, batch_group_count=2)
        )
        return lambda x, w: (complexes(x + 1j * x[::-1], w * (1 + 1j)), grouped(x, w))

    assert_same(make, x, w)


def test_a_flax_model_unchanged():
    class Net(nnx.Module):
        def __init__(self, rngs):
            self.first, self.second = nnx.Conv(1, 4, (3, 3), rngs=rngs), nnx.Conv(4, 6, (3, 3), rngs=rngs)
            self.logits = nnx.Linear(6, 3, rngs=rngs)

        def __call__(self, x):
            x = nnx.max_pool(nnx.relu(self.first(x)), (2, 2), (2, 2))
            x = nnx.avg_pool(nnx.relu(self.second(x)), (2, 2), (2, 2))
            return self.logits(x.mean((1, 2)))

    net, x = Net(nnx.Rngs(0)), normal(5, 12, 12, 1)

    def make():
        return nnx.jit(lambda net, x: nnx.state(nnx.grad(lambda net: jnp.sin(net(x)).sum())(net)))

    assert_same(make, net, x)


def test_an_equinox_model_unchanged():
    conv = eqx.nn.Conv2d(3, 4, 3, key=jax.random.key(0))

    def make():
        def loss(conv, x):
            return jnp.sin(jax.vmap(lambda image: eqx.nn.MaxPool2d(3, 2, padding=1)(conv(image)))(x)).sum()

        gradient = eqx.filter_jit(eqx.filter_grad(loss))
        return lambda conv, x: eqx.filter(gradient(conv, x), eqx.is_array)

    assert_same(make, conv, normal(2, 3, 9, 8))


def run(script):
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(script)], check=True, timeout=120)


def test_importing_the_package_imports_no_jax():
    run("import sys, jaxcnn; assert not {'jax', 'jaxcnn.lowering'} & set(sys.modules)")


@pytest.mark.parametrize("moved", ["_platform_specific_lowerings", "register_lowering"])
def test_one_warning_where_a_future_jax_has_moved_an_interface(moved):
    run(f"""
    import warnings
    import jax, jax.interpreters.mlir
    import jax.numpy as jnp
    del jax.interpreters.mlir.{moved}
    import jaxcnn
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with jaxcnn.accelerate_cpu() as acceleration:
            import jaxcnn.functional as F
            assert F.conv(jnp.ones((1, 3, 1)), jnp.ones((2, 1, 1))).sum() == 4
            acceleration.off()
    (warning,) = [w for w in caught if "jaxcnn" in str(w.message)]
    assert warning.category is RuntimeWarning
    assert "accelerate_cpu changes nothing" in str(warning.message)
    """)
