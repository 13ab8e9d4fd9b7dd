"""Hand calculations: the lectures' cells word by word, and every operation's cells against its own output."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

import jaxcnn.functional as F
from jaxcnn.functional.explain import EXPLAINED

RNG = np.random.default_rng(0)


def image(rows):
    return np.array(rows, np.float32)[..., None]


def taps(*rows):
    return np.array(rows, np.float32)[..., None, None]


def random(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def assert_explained(operation, *arguments, batched=True, first=False, **options):
    """By hand, the output comes out in the first cell, the middle and the last, each for another channel."""
    y = np.asarray(operation(*arguments, **options))
    y = y if batched else y[None]
    y = np.moveaxis(y, 1, -1) if first else y
    spatial, channels = y.shape[1:-1], y.shape[-1]
    middle = tuple(n // 2 for n in spatial)
    corners = [((0,) * len(spatial), 0), (middle, channels - 1), (tuple(n - 1 for n in spatial), channels // 2)]
    for at, channel in corners:
        example = len(y) - 1
        e = F.explain(operation, *arguments, at=at, example=example, channel=channel, **options)
        expected = y[(example, *at, channel)]
        assert e.value == expected
        np.testing.assert_allclose(e.by_hand, expected, rtol=1e-5, atol=1e-5)
        assert "the operation itself" not in str(e)
        if e.taps is not None:
            np.testing.assert_array_equal(e.products, e.window * e.taps)
            assert e.window.shape == (*map(len, e.pixels), len(e.inputs))
            np.testing.assert_allclose(e.products.sum() + (e.bias or 0), e.by_hand)


def test_lecture_first_cell(capsys):
    four = image([[2, 1, 0, 1], [3, 2, 1, 0], [1, 1, 2, 2], [0, 1, 2, 3]])
    e = F.explain(F.conv, four, taps([1, 2], [-1, 5]), jnp.array([1.0]), at=(0, 0))
    assert capsys.readouterr().out == (
        "conv at (0, 0), example 0, channel 0\n"
        "  pixels (0, 1) × (0, 1) of input channel 0\n"
        "  2·1 + 1·2 + 3·(-1) + 2·5 = 2 + 2 - 3 + 10 = 11\n"
        "  11 + bias 1 = 12\n"
        "  SciPy, for this window and kernel: correlate 11, convolve (flips the kernel) 17\n"
    )
    assert repr(e) == "Explanation(conv at (0, 0): 12)"
    assert e.window[..., 0].tolist() == [[2, 1], [3, 2]]
    assert e.taps[..., 0].tolist() == [[1, 2], [-1, 5]]
    assert e.products[..., 0].tolist() == [[2, 2], [-3, 10]]
    assert (e.sum, e.bias, e.by_hand, e.value) == (11, 1, 12, 12)
    assert e.value.dtype == np.float32


@pytest.mark.parametrize(
    ("at", "window", "total"),
    [((0, 0), [[1, 2], [4, 5]], 12), ((0, 2), [[3, 0], [6, 0]], 9), ((2, 2), [[9, 0], [0, 0]], 9)],
)
def test_lecture_nine_pixels(at, window, total):
    e = F.explain(F.conv, image(np.arange(1, 10).reshape(3, 3)), taps([1, 1], [1, 1]), padding="SAME", at=at)
    assert e.window[..., 0].tolist() == window
    assert e.pixels == tuple((i, i + 1) for i in at)
    assert (e.sum, e.value, e.bias) == (total, total, None)


def test_lecture_tenths_are_written_as_tenths():
    five = image([[2, 1, 2, 0, 1], [1, 3, 2, 2, 3], [1, 1, 3, 3, 0], [2, 2, 0, 1, 1], [0, 0, 3, 1, 2]])
    text = str(F.explain(F.conv, five, taps([0.1, 0.2], [0.3, 0.4]), at=(0, 0)))
    assert "2·0.1 + 1·0.2 + 1·0.3 + 3·0.4 = 0.2 + 0.2 + 0.3 + 1.2 = 1.9" in text


CONVOLUTIONS = [
    (F.conv, (random(2, 7, 3), random(3, 3, 4), random(4)), {"padding": "CAUSAL", "kernel_dilation": 2}),
    (F.conv, (random(2, 6, 5, 4), random(3, 2, 2, 6), random(6)), {"groups": 2, "strides": (2, 1), "padding": "SAME"}),
    (F.conv, (random(1, 5, 4, 2), random(2, 3, 2, 1)), {"input_dilation": (2, 3), "padding": [(1, 0), (0, 2)]}),
    (F.conv, (random(1, 5, 5, 1), random(3, 3, 1, 2)), {"padding": 2, "padding_mode": "reflect"}),
    (F.conv, (random(1, 3, 4, 3, 2), random(2, 2, 3, 2, 2)), {"padding": "full", "padding_mode": "replicate"}),
    (F.depthwise_conv, (random(2, 5, 5, 3), random(3, 3, 3, 2), random(6)), {"padding": "SAME_LOWER", "strides": 2}),
    (F.depthwise_conv, (random(1, 6, 2), random(2, 2, 1)), {"padding": 1, "padding_mode": "circular"}),
    (F.separable_conv, (random(1, 5, 5, 3), random(2, 2, 3, 2), random(1, 1, 6, 4), random(4)), {"padding": "SAME"}),
    (F.local_conv, (random(2, 5, 5, 2), random(3, 3, 3, 3, 2, 2), random(3, 3, 2)), {"strides": 2, "padding": "SAME"}),
    (F.local_conv, (random(1, 5, 2), random(1, 3, 2, 3), random(3)), {"kernel_dilation": 2}),
    (F.conv_transpose, (random(2, 4, 3, 4), random(3, 2, 3, 4), random(6)), {"groups": 2, "strides": (2, 3)}),
    (F.conv_transpose, (random(1, 4, 2), random(3, 1, 2)), {"strides": 3, "kernel_dilation": 2, "output_padding": 1}),
    (F.conv_transpose, (random(1, 4, 4, 1), random(3, 3, 1, 1)), {"strides": 2, "padding": 1, "output_shape": 8}),
    (F.conv_transpose, (random(1, 3, 1), random(2, 2, 1)), {"strides": 3, "padding": "SAME"}),
]


@pytest.mark.parametrize(
    ("operation", "arguments", "options"),
    CONVOLUTIONS,
    ids=[f"{c[0].__name__}-{i}" for i, c in enumerate(CONVOLUTIONS)],
)
def test_convolutions(operation, arguments, options):
    assert_explained(operation, *arguments, **options)


def test_layouts():
    x, kernel = random(2, 3, 5, 4), random(2, 2, 3, 2)
    assert_explained(F.conv, x, kernel, data_format="channels_first", first=True)
    assert_explained(F.conv, x[0], kernel, data_format="channels_first", first=True, batched=False)
    assert_explained(F.conv, x[0], random(2, 2, 4, 2), batched=False)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16, np.complex64, np.int8, np.int32])
def test_dtypes(dtype):
    x, kernel = (np.round(4 * random(*shape)).astype(dtype) for shape in ((1, 5, 2), (3, 2, 1)))
    e = F.explain(F.conv, x, kernel, at=(1,))
    y = np.asarray(F.conv(x, kernel))
    assert e.value.dtype == y.dtype
    assert e.by_hand == e.value == y[0, 1, 0]
    assert "the operation itself" not in str(e)


def test_rounding_that_shows_is_said():
    text = str(F.explain(F.conv, np.full((1, 2, 1), 300, np.float16), np.full((2, 1, 1), 300, np.float16), at=(0,)))
    assert text.endswith("= 180000\n  SciPy, for this window and kernel: correlate 180000, convolve (flips the kernel) "
                         "180000\n  the operation itself, in float16, gives inf")  # fmt: skip
    wrapped = F.explain(F.convolve, np.int8([100]), np.int8([2]), at=0)
    assert (wrapped.by_hand, wrapped.value) == (200, -56)
    assert "the operation itself, in int8, gives -56" in str(wrapped)


@pytest.mark.parametrize("operation", [F.conv, F.depthwise_conv])
def test_scipy_live(operation):
    x, kernel = random(1, 6, 6, 3), random(3, 2, 3, 2)
    e = F.explain(operation, x, kernel, at=(2, 1), channel=1)
    for ours, theirs in [(e.scipy_correlate, scipy.signal.correlate), (e.scipy_convolve, scipy.signal.convolve)]:
        each = [theirs(e.window[..., c], e.taps[..., c], mode="valid").item() for c in range(e.window.shape[-1])]
        np.testing.assert_allclose(ours, sum(each), rtol=1e-6)
    assert ("each channel apart and summed" in str(e)) == (operation is F.conv)


def test_scipys_whole_arrays():
    x, kernel = random(5, 6), random(2, 3)
    e = F.explain(F.conv, x[..., None], kernel[..., None, None], at=(2, 3))
    np.testing.assert_allclose(e.scipy_correlate, scipy.signal.correlate2d(x, kernel, "valid")[2, 3], rtol=1e-5)
    np.testing.assert_allclose(e.scipy_convolve, scipy.signal.convolve2d(x, kernel, "valid")[2, 3], rtol=1e-5)


def test_what_a_transposed_cell_meets():
    x, kernel = image([[1, 2], [3, 4]]), taps([1, 2, 3], [4, 5, 6], [7, 8, 9])
    e = F.explain(F.conv_transpose, x, kernel, strides=2, at=(2, 1))
    # Rows 0 (by its last tap) and 1 (by its first) meet in row 2; column 1 sees column 0 by the middle tap.
    assert e.pixels == ((0, 1), (0,))
    assert e.taps[..., 0].tolist() == [[8], [2]]
    assert (e.value, e.scipy_correlate) == (1 * 8 + 3 * 2, None)
    nothing = F.explain(F.conv_transpose, x, kernel[:1, :1], strides=2, padding=[(0, 0), (0, 0)], at=(1, 0))
    assert (nothing.by_hand, nothing.window.size) == (0, 0)
    assert "no pixel of x takes part: 0" in str(nothing)


def test_grouped_channels_are_named():
    text = str(F.explain(F.conv, np.ones((1, 2, 4)), np.ones((2, 2, 4)), groups=2, channel=2, at=(0,)))
    assert "  input channel 2: 1·1 + 1·1 = 1 + 1 = 2\n  input channel 3: " in text
    assert "  all 2 channels: 4\n" in text


def test_x64(x64):
    e = F.explain(F.conv, random(1, 4, 1, dtype=np.float64), random(2, 1, 1, dtype=np.float64), at=(1,))
    assert e.value.dtype == np.float64
    np.testing.assert_allclose(e.by_hand, e.value, rtol=1e-14)


X, KERNEL = np.ones((1, 3, 3, 1), np.float32), np.ones((2, 2, 1, 1), np.float32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((F.conv, X, KERNEL), {"at": (0, 2)}, r"at must be 2 integers, .* output \(2, 2\), each below its size; got"),
        ((F.conv, X, KERNEL), {"at": (0, -1)}, r"at must be 2 integers, .* none negative; got \(0, -1\)"),
        ((F.conv, X, KERNEL), {"at": (0, 0.5)}, r"at must be 2 integers, .* got \(0, 0.5\)"),
        ((F.conv, X, KERNEL), {"at": 0}, r"at must be 2 integers, .*; got 0, which has 1"),
        (
            (F.conv, X, KERNEL),
            {"at": (0, 0), "example": 1},
            "example must be below 1, the output's count of them; got 1",
        ),
        ((F.conv, X, KERNEL), {"at": (0, 0), "channel": 1}, "channel must be below 1"),
        ((F.conv, X, KERNEL), {"at": (0, 0), "channel": "red"}, "channel must be an integer of at least 0, got 'red'"),
        ((F.convolve, np.ones(1), np.ones(1)), {"at": 0, "channel": 1}, "channel must be below 1"),
        ((F.conv, X, KERNEL), {"at": (0, 0), "padding": "HALF"}, "padding must be one of VALID"),
        ((F.global_max_pool, X), {"at": ()}, "operation must be one of F.conv, F.depthwise_conv, .*; got <function"),
        (([F.conv], X), {"at": ()}, "operation must be one of F.conv, "),
    ],
)
def test_refuses(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        F.explain(*arguments, **options)


def test_refuses_other_arguments():
    with pytest.raises(
        TypeError, match=r"arguments must be those of F\.conv, .*: missing a required argument: 'kernel'"
    ):
        F.explain(F.conv, X, at=(0, 0))
    with pytest.raises(TypeError, match=r"those of F\.max_pool, .*unexpected keyword argument 'groups'"):
        F.explain(F.max_pool, X, 2, groups=1, at=(0, 0))
    with pytest.raises(TypeError, match="x must be an array of numbers"):
        F.explain(F.conv, np.array(["x"]), KERNEL, at=(0, 0))


@pytest.mark.parametrize("operation", [lambda x: F.explain(F.conv, x, KERNEL, at=(0, 0)).value,
                                       lambda x: F.explain(F.max_pool, x, 2, at=(0, 0)).value,
                                       lambda x: F.explain(F.convolve, x, X, at=(0,) * 4).value])  # fmt: skip
def test_refuses_traced_arrays(operation):
    for transform in (jax.jit, jax.grad, jax.vmap):
        x = X if transform is not jax.vmap else X[None]
        with pytest.raises(TypeError, match="explain needs arrays with values, got a traced one"):
            transform(operation)(x)


def test_a_wrong_cell_is_refused_before_anything_runs(monkeypatch):
    def conv(*arguments, **options):
        ran.append(not isinstance(F.conv(*arguments, **options), jax.core.Tracer))
        return F.conv(*arguments, **options)

    ran = []
    monkeypatch.setitem(EXPLAINED, conv, EXPLAINED[F.conv])
    conv.__signature__ = inspect.signature(F.conv)
    with pytest.raises(ValueError, match="at must be"):
        F.explain(conv, X, KERNEL, at=(5, 5))
    assert ran == [False]
    F.explain(conv, X, KERNEL, at=(0, 0))
    assert ran == [False, False, True]


def test_every_explained_operation_is_public():
    assert all(getattr(F, operation.__name__) is operation for operation in EXPLAINED)
