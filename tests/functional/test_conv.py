"""F.conv against plain NumPy loops, SciPy and the lectures' numbers, on every option, with its gradients."""

import itertools
import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

import jaxcnn.functional as F

QUICK = settings(max_examples=20)
THOROUGH = settings(max_examples=600)

WORDS = ("VALID", "SAME", "SAME_LOWER", "FULL", "CAUSAL")
NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def word_pads(word, n, w, s, d):
    """TensorFlow's and ONNX's documented sums for one dimension."""
    span = (w - 1) * d + 1
    total = max((math.ceil(n / s) - 1) * s + span - n, 0)
    small, large = total // 2, total - total // 2
    return {
        "VALID": (0, 0),
        "SAME": (small, large),
        "SAME_LOWER": (large, small),
        "FULL": (span - 1, span - 1),
        "CAUSAL": (span - 1, 0),
    }[word]


def looped(x, kernel, *, strides, pads, mode, input_dilation, kernel_dilation, groups):
    """A convolution as loops over cells and groups on (batch, *spatial, channels); None where no cell is left."""
    spatial_dims = kernel.ndim - 2
    full = np.zeros(
        (x.shape[0], *((n - 1) * d + 1 for n, d in zip(x.shape[1:-1], input_dilation, strict=True)), x.shape[-1])
    )
    full[(slice(None), *(slice(None, None, d) for d in input_dilation))] = x
    full = np.pad(full, [(0, 0), *pads, (0, 0)], **({"mode": NUMPY_MODES[mode]} if mode in NUMPY_MODES else {}))
    spans = [(w - 1) * d + 1 for w, d in zip(kernel.shape[:-2], kernel_dilation, strict=True)]
    cells = [(n - span) // s + 1 for n, span, s in zip(full.shape[1:-1], spans, strides, strict=True)]
    if min(cells) < 1:
        return None
    y = np.zeros((x.shape[0], *cells, kernel.shape[-1]))
    ins, outs = kernel.shape[-2], kernel.shape[-1] // groups
    for cell in itertools.product(*map(range, cells)):
        taps = tuple(
            slice(c * s, c * s + span, d) for c, s, span, d in zip(cell, strides, spans, kernel_dilation, strict=True)
        )
        for g in range(groups):
            patch = full[(slice(None), *taps, slice(g * ins, (g + 1) * ins))]
            part = slice(g * outs, (g + 1) * outs)
            y[(slice(None), *cell, part)] = np.tensordot(patch, kernel[..., part], spatial_dims + 1)
    return y


def spelled(draw, sizes):
    """One of the ways in which a user may write these ints."""
    if len(set(sizes)) == 1 and draw(st.booleans()):
        return sizes[0]
    return draw(st.sampled_from([tuple, list, np.array]))(sizes)


@st.composite
def cases(draw):
    """Arguments of F.conv, whole-numbered so that float32 is exact, and what the loops make of them."""
    n = draw(st.sampled_from([1, 1, 2, 2, 2, 3]))
    sizes = st.lists(st.integers(1, (7, 6, 4)[n - 1]), min_size=n, max_size=n)

    def ints(most):
        return draw(st.lists(st.integers(1, most), min_size=n, max_size=n))

    spatial, window, strides, kernel_dilation = draw(sizes), ints(4 - n // 2), ints(3), ints(3)
    input_dilation = ints(2) if draw(st.integers(0, 4)) == 0 else [1] * n
    mode = draw(st.sampled_from(["zeros", "zeros", "zeros", *NUMPY_MODES]))
    groups, batch = draw(st.integers(1, 3)), draw(st.sampled_from([None, 1, 2]))
    channels, features = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    if draw(st.booleans()):
        word = draw(st.sampled_from(WORDS if n == 1 else WORDS[:-1]))
        padding = draw(st.sampled_from([word, word.lower()]))
        pads = [word_pads(word, *args) for args in zip(spatial, window, strides, kernel_dilation, strict=True)]
    elif draw(st.booleans()):
        ints = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
        padding, pads = spelled(draw, ints), [(i, i) for i in ints]
    else:
        pads = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=n, max_size=n))
        padding = draw(st.sampled_from([tuple, list, np.array]))(pads)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-4, 5, (batch or 1, *spatial, channels)).astype(np.float32)
    kernel = rng.integers(-4, 5, (*window, channels // groups, features)).astype(np.float32)
    bias = rng.integers(-4, 5, features).astype(np.float32)
    parsed = {"strides": strides, "pads": pads, "mode": mode, "input_dilation": input_dilation}
    parsed |= {"kernel_dilation": kernel_dilation, "groups": groups}
    options = {"strides": spelled(draw, strides), "padding": padding, "padding_mode": mode, "groups": groups}
    options |= {"input_dilation": spelled(draw, input_dilation), "kernel_dilation": spelled(draw, kernel_dilation)}
    first = draw(st.booleans())
    return x, kernel, bias, parsed, options | {"data_format": "channels_first" if first else "channels_last"}, batch


def is_allowed(x, parsed, padding):
    """Whether the contract lets these options through (the window's fit apart)."""
    holes, word = max(parsed["input_dilation"]) > 1, isinstance(padding, str) and padding.upper() != "VALID"
    most = {"reflect": -1, "circular": 0}.get(parsed["mode"], 99)
    fits = all(max(pair) <= n + most for pair, n in zip(parsed["pads"], x.shape[1:-1], strict=True))
    return fits and not (holes and (word or parsed["mode"] != "zeros"))


def check_case(case):
    """Values and gradients of one case, or its refusal."""
    x, kernel, bias, parsed, options, batch = case
    channels_first = options["data_format"] == "channels_first"

    def given_layout(y):
        y = np.moveaxis(y, -1, 1) if channels_first else y
        return y if batch else y[0]

    allowed = is_allowed(x, parsed, options["padding"])
    y = looped(x, kernel, **parsed) if allowed else None
    if y is None:
        with pytest.raises(ValueError, match="must"):
            F.conv(given_layout(x), kernel, bias, **options)
        return
    rng = np.random.default_rng(0)
    ct, dx, dk = (rng.integers(-3, 4, a.shape).astype(np.float32) for a in (y, x, kernel))

    @jax.jit
    def value_and_cotangents(x, kernel, bias, ct):
        y, pull = jax.vjp(lambda *args: F.conv(*args, **options), x, kernel, bias)
        return y, *pull(ct)

    got, ct_x, ct_kernel, ct_bias = value_and_cotangents(given_layout(x), kernel, bias, given_layout(ct))
    np.testing.assert_array_equal(got, given_layout(y + bias))
    # The operation is bilinear, so its gradients are the adjoints of the loops, in any direction.
    assert np.vdot(ct_x, given_layout(dx)) == np.vdot(ct, looped(dx, kernel, **parsed))
    assert np.vdot(ct_kernel, dk) == np.vdot(ct, looped(x, dk, **parsed))
    np.testing.assert_array_equal(ct_bias, ct.sum(tuple(range(ct.ndim - 1))))


@QUICK
@given(cases())
def test_against_loops(case):
    check_case(case)


@pytest.mark.slow
@THOROUGH
@given(cases())
def test_against_loops_thoroughly(case):
    check_case(case)


@pytest.mark.parametrize("shape", [(9,), (5, 6), (3, 4, 3)])
@pytest.mark.parametrize("window", [2, 3])
def test_scipys_correlate(shape, window):
    # SciPy centres "same" so that the extra pixel of an even window lies before: SAME_LOWER, not TF's SAME.
    rng = np.random.default_rng(window)
    x, kernel = rng.standard_normal(shape, np.float32), rng.standard_normal((window,) * len(shape), np.float32)
    for mode, padding in (("valid", "VALID"), ("full", "FULL"), ("same", "SAME_LOWER")):
        y = F.conv(x[..., None], kernel[..., None, None], padding=padding)[..., 0]
        np.testing.assert_allclose(y, signal.correlate(x, kernel, mode), rtol=1e-5, atol=1e-5)
    flipped = F.conv(x[..., None], np.flip(kernel)[..., None, None], padding="FULL")[..., 0]
    np.testing.assert_allclose(flipped, signal.convolve(x, kernel), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["zeros", *NUMPY_MODES])
def test_no_images(mode):
    def of_no_images(kernel):
        return F.conv(np.zeros((0, 4, 4, 2), np.float32), kernel, padding=1, padding_mode=mode)

    kernel = np.ones((3, 3, 2, 3), np.float32)
    assert of_no_images(kernel).shape == (0, 4, 4, 3)
    np.testing.assert_array_equal(jax.grad(lambda kernel: of_no_images(kernel).sum())(kernel), np.zeros_like(kernel))


def test_eager_as_jitted_and_uncompiled():
    rng = np.random.default_rng(0)
    x, kernel = (rng.integers(-4, 5, shape).astype(np.float32) for shape in ((2, 5, 4, 2), (2, 3, 1, 4)))

    def operation(x, kernel):
        return F.conv(x, kernel, strides=2, padding="SAME", groups=2)

    eager = operation(x, kernel)
    np.testing.assert_array_equal(eager, jax.jit(operation)(x, kernel))
    with jax.disable_jit():
        np.testing.assert_array_equal(eager, operation(x, kernel))


def test_any_array_in():
    # Lists pass too, but not a run-time type checker, under which these tests run.
    x, kernel = np.ones((1, 3, 3, 1)), jax.numpy.ones((2, 2, 1, 1))
    assert F.conv(x, kernel).dtype == np.float32
    np.testing.assert_array_equal(F.conv(x, kernel), np.full((1, 2, 2, 1), 4))
