"""The CPU's forms of a convolution: the same numbers as lax's, in layouts that XLA runs fast."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

import jaxcnn.functional as F
from jaxcnn.lowering import conv, kernel_gradient, select, spread

QUICK = settings(max_examples=12)


def lax_form(lhs, rhs, **params):
    return lax.conv_general_dilated_p.bind(lhs, rhs, **params)


def parameters(function, *shapes):
    """The operands' shapes and the parameters of every convolution that lax writes for `function`."""
    jaxpr = jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes)).jaxpr
    found = [eqn for eqn in jaxpr.eqns if eqn.primitive is lax.conv_general_dilated_p]
    return [([v.aval.shape for v in eqn.invars], eqn.params) for eqn in found]


@st.composite
def convolutions(draw):
    """A convolution's two operand shapes, and the function of them."""
    n = draw(st.integers(1, 2))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))

    window, strides, holes = ints(1, 3), ints(1, 3), draw(st.sampled_from([(1,) * n, (2,) * n]))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    pads = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(n)]
    spatial = tuple(draw(st.integers((w - 1) * d + 1, 7)) for w, d in zip(window, holes, strict=True))
    x = (draw(st.integers(1, 4)), *spatial, groups * draw(st.integers(1, 3)))
    kernel = (*window, x[-1] // groups, groups * draw(st.integers(1, 3)))
    swapped = groups == 1 and draw(st.booleans())
    numbers = {1: ("NHC", "HOI" if swapped else "HIO", "NHC"), 2: ("NHWC", "HWOI" if swapped else "HWIO", "NHWC")}[n]
    kernel = (*window, kernel[-1], kernel[-2]) if swapped else kernel
    spacing = draw(st.sampled_from([(1,) * n, (2,) * n]))
    options = {
        "lhs_dilation": spacing,
        "rhs_dilation": holes,
        "dimension_numbers": numbers,
        "feature_group_count": groups,
    }
    return x, kernel, functools.partial(lax.conv_general_dilated, window_strides=strides, padding=pads, **options)


@QUICK
@given(convolutions(), st.integers(1, 400), st.sampled_from([1, 9]))
def test_forms_equal_lax(case, most_bytes, least_channels):
    # Small bounds on a slice's bytes, so that the batch is cut in several ways, with and without a rest.
    x, kernel, function = case
    y = jax.eval_shape(function, *(jax.ShapeDtypeStruct(s, jnp.float32) for s in (x, kernel))).shape

    def pulled(x, kernel, y):
        return jax.vjp(function, x, kernel)[1](y)

    found = parameters(pulled, x, kernel, y) + parameters(function, x, kernel)
    assert len(found) >= 3
    rng = np.random.default_rng(0)
    operands = [[rng.integers(-4, 5, shape).astype(np.float32) for shape in shapes] for shapes, _ in found]

    @jax.jit
    def both(operands):
        forms = [functools.partial(lax_form, **params) for _, params in found]
        ours = [conv.cpu_form(lax_form, *arrays, **params) for arrays, (_, params) in zip(operands, found, strict=True)]
        return ours, [form(*arrays) for form, arrays in zip(forms, operands, strict=True)]

    with pytest.MonkeyPatch.context() as patch:
        bounds = ((kernel_gradient, "STRIP_BYTES"), (spread, "PRODUCT_BYTES"))
        for module, name in (*bounds, (select, "UNROLLED_BYTES")):
            patch.setattr(module, name, most_bytes)
        patch.setattr(select, "MOST_SMALL_FEATURES", 0)
        patch.setattr(select, "LEAST_CHANNELS", least_channels)
        jax.tree.map(np.testing.assert_array_equal, *both(operands))


def gradients(x, kernel):
    """A step's work in two layers, so that a gradient to the input is needed, too."""

    def loss(kernel):
        y = F.conv(x, kernel, padding="SAME")
        y = F.conv(y, kernel, strides=2, padding=1, kernel_dilation=2)
        return (F.conv(y, kernel) ** 2).sum()

    return jax.grad(loss)(kernel)


def layouts(function, *arrays):
    """The dimension labels of every convolution in XLA's optimized module."""
    return set(
        re.findall(r"convolution\(.*dim_labels=(\w+->\w+)", jax.jit(function).lower(*arrays).compile().as_text())
    )


def test_a_scan_has_canonical_convolutions_alone():
    # XLA exchanges the operands of a convolution whose window exceeds its input, hence no smaller images.
    images, kernel = jnp.ones((2, 4, 12, 12, 3)), jnp.ones((3, 3, 3, 3))

    def steps(images, kernel):
        return lax.scan(lambda kernel, x: (kernel - gradients(x, kernel), None), kernel, images)[0]

    assert layouts(steps, images, kernel) == {"b01f_01io->b01f"}


def test_what_lax_would_run_there_is_not_canonical():
    # The test above can fail: lax's own kernel gradient exchanges batch and features.
    numbers = ("NHWC", "HWIO", "NHWC")

    def gradient(x, kernel):
        loss = lambda kernel: lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers).sum()  # noqa: E731
        return jax.grad(loss)(kernel)

    def steps(images, kernel):
        return lax.scan(lambda kernel, x: (kernel - gradient(x, kernel), None), kernel, images)[0]

    assert layouts(steps, jnp.ones((2, 4, 9, 9, 3)), jnp.ones((3, 3, 3, 3))) != {"b01f_01io->b01f"}


@pytest.mark.parametrize(
    ("shape", "window", "padding", "holes"),
    [
        ((3, 40, 20), (5,), (-1, 1), 1),
        ((2, 12, 11, 4), (3, 3), (-1, 1), 1),
        ((2, 8, 8, 20), (3, 3), (-2, 3), 1),
        ((2, 12, 20), (3,), (-3, 2), 2),
        ((2, 1, 20), (1,), (-1, 1), 1),
    ],
    ids=["1-D", "few channels", "rows", "holes", "nothing left"],
)
def test_negative_padding_cuts_the_input(shape, window, padding, holes):
    # lax's own form reads beyond its operand on the CPU.
    x, kernel = (np.random.default_rng(0).integers(-4, 5, s) / 4 for s in (shape, (*window, shape[-1], shape[-1])))
    dims, (low, high) = len(window), padding
    apart = np.zeros((shape[0], *((n - 1) * holes + 1 for n in shape[1:-1]), shape[-1]))
    apart[(slice(None), *[slice(None, None, holes)] * dims)] = x
    left = np.pad(apart, [(0, 0), *[(0, high)] * dims, (0, 0)])[(slice(None), *[slice(-low, None)] * dims)]
    patches = np.lib.stride_tricks.sliding_window_view(left, window, range(1, dims + 1))
    expected = np.einsum(f"b...c{'hw'[:dims]},{'hw'[:dims]}co->b...o", patches, kernel)
    numbers = lax.conv_dimension_numbers(
        shape, kernel.shape, {1: ("NHC", "HIO", "NHC"), 2: ("NHWC", "HWIO", "NHWC")}[dims]
    )
    run = functools.partial(
        F.conv_general_dilated,
        window_strides=(1,) * dims,
        padding=[padding] * dims,
        lhs_dilation=(holes,) * dims,
        dimension_numbers=numbers,
    )
    np.testing.assert_array_equal(jax.jit(run)(*(jnp.asarray(a, jnp.float32) for a in (x, kernel))), expected)
