"""Derivatives of F.conv of every order, and every transformation around it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F


def whole(*shape, seed=0):
    """Small whole numbers, on which float32 sums are exact in any order."""
    return jnp.asarray(np.random.default_rng(seed).integers(-3, 4, shape), jnp.float32)


def lax_conv(x, kernel):
    return lax.conv_general_dilated(
        x, kernel, (2, 1), "SAME", rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def our_conv(x, kernel):
    return F.conv(x, kernel, strides=(2, 1), padding="SAME", kernel_dilation=(1, 2))


def cubed(operation):
    """A scalar whose second derivatives mix x and kernel, exact on small whole numbers."""
    return lambda x, kernel: jnp.sum(operation(x, kernel) ** 3)


TRANSFORMS = {
    "grad": lambda conv: jax.grad(cubed(conv), (0, 1)),
    "grad under remat": lambda conv: jax.grad(jax.checkpoint(cubed(conv)), (0, 1)),
    "jvp of grad": lambda conv: lambda *args: jax.jvp(jax.grad(cubed(conv), (0, 1)), args, args)[1],
    "grad of grad": lambda conv: jax.grad(lambda *args: sum(g.sum() for g in jax.grad(cubed(conv), (0, 1))(*args)), 1),
    "hessian": lambda conv: jax.hessian(lambda x, k: jnp.sum(conv(x, k)[:, 0, 0] ** 2), 1),
    "jacfwd": lambda conv: jax.jacfwd(lambda x, k: conv(x, k).sum(0), 1),
    "linearize": lambda conv: lambda x, k: jax.linearize(conv, x, k)[1](x, 2 * k),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_as_lax(transform):
    args = whole(2, 4, 3, 2), whole(2, 2, 2, 2, seed=1)
    ours, laxs = (jax.jit(TRANSFORMS[transform](conv))(*args) for conv in (our_conv, lax_conv))
    jax.tree.map(np.testing.assert_array_equal, ours, laxs)


@pytest.mark.parametrize("in_axes", [(0, None), (None, 0), (0, 0), (1, 3)])
@pytest.mark.parametrize("options", [{"padding": "SAME", "groups": 2}, {"padding": 1, "padding_mode": "circular"}])
def test_vmap_is_a_loop(in_axes, options):
    # The gradient to the kernel is batched too, which makes a grouped convolution of an exchanged one.
    groups = options.get("groups", 1)
    shapes = [(2, 3, 4, 2), (2, 2, 2 // groups, 4)]
    args = [
        whole(*s) if axis is None else whole(*s[:axis], 3, *s[axis:]) for s, axis in zip(shapes, in_axes, strict=True)
    ]

    @jax.jit
    def once(x, kernel):
        y, pull = jax.vjp(functools.partial(F.conv, **options), x, kernel)
        return y, pull(y)

    at_once = jax.jit(jax.vmap(once, in_axes))(*args)
    for i in range(3):
        part = once(*(a if axis is None else jnp.take(a, i, axis) for a, axis in zip(args, in_axes, strict=True)))
        jax.tree.map(lambda all_, one, i=i: np.testing.assert_array_equal(all_[i], one), at_once, part)


def test_in_loops():
    x, kernel = whole(1, 3, 3, 1), whole(2, 2, 1, 1, seed=1)
    step = jax.jit(functools.partial(F.conv, padding="SAME"))
    expected = step(step(step(x, kernel), kernel), kernel)
    scanned = lax.scan(lambda x, _: (step(x, kernel), None), x, length=3)[0]
    counted = lax.fori_loop(0, 3, lambda _, x: step(x, kernel), x)
    awaited = lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, step(c[1], kernel)), (0, x))[1]
    for y in (scanned, counted, awaited):
        np.testing.assert_array_equal(y, expected)


def test_grad_of_a_scan():
    x, kernel = whole(1, 3, 3, 1), whole(2, 2, 1, 1, seed=1)

    def looped(kernel, steps):
        return lax.scan(lambda x, _: (F.conv(x, kernel, padding="SAME"), None), x, length=steps)[0].sum()

    def unrolled(kernel, steps):
        return functools.reduce(lambda x, _: F.conv(x, kernel, padding="SAME"), range(steps), x).sum()

    ours, expected = (jax.jit(jax.grad(f), static_argnums=1)(kernel, 3) for f in (looped, unrolled))
    np.testing.assert_array_equal(ours, expected)


def test_complex_numbers():
    def with_imaginary(*shape):
        return whole(*shape) + 1j * whole(*shape, seed=2)

    args = with_imaginary(1, 4, 3, 2), with_imaginary(2, 2, 2, 1)
    ours, laxs = (jax.jit(lambda *a, c=c: jax.vjp(c, *a)[1](c(*a)))(*args) for c in (our_conv, lax_conv))
    jax.tree.map(np.testing.assert_array_equal, ours, laxs)


def test_linear_transpose():
    x, kernel = whole(1, 4, 3, 2), whole(2, 2, 2, 1)
    y = our_conv(x, kernel)
    (ours,), (laxs,) = (jax.linear_transpose(lambda x, c=c: c(x, kernel), x)(y) for c in (our_conv, lax_conv))
    np.testing.assert_array_equal(ours, laxs)


@pytest.mark.parametrize(("spatial", "channels"), [((40,), 20), ((12, 11), 4), ((8, 8), 20)])
def test_more_padding_than_the_window_holds(spatial, channels):
    # The gradient to x loses cells at one end and is padded at the other, as transposed convolutions are then.
    pads, rng = [(3, 1)] * len(spatial), np.random.default_rng(0)
    shapes = (2, *spatial, channels), (*(3,) * len(spatial), channels, channels)
    x, kernel = (jnp.asarray(rng.integers(-4, 5, shape) / 4, jnp.float32) for shape in shapes)

    def padded_before(x):
        return F.conv(jnp.pad(x, [(0, 0), *pads, (0, 0)]), kernel)

    @jax.jit
    def gradients(x):
        y, pull = jax.vjp(lambda x: F.conv(x, kernel, padding=pads), x)
        expected, expected_pull = jax.vjp(padded_before, x)
        return (y, *pull(y), F.conv_transpose(y, kernel, padding=pads)), (expected, *expected_pull(y) * 2)

    for got, expected in zip(*gradients(x), strict=True):
        np.testing.assert_array_equal(got, expected)
