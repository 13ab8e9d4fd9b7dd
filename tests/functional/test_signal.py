"""SciPy's convolve and correlate on the same arrays, and the lectures' worked numbers."""

import jax
import numpy as np
import pytest
import scipy.signal

import jaxcnn.functional as F

X, W = np.array([2, 8, 3, 7, 1, 2, 0, 4, 5]), np.array([2, 1, 5, 3])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("operation", "mode", "expected"),
    [
        (F.convolve, "valid", [63, 48, 49, 28, 21, 20]),
        (F.correlate, "valid", [48, 57, 24, 25, 16, 39]),
        (F.correlate, "full", [6, 34, 51, 48, 57, 24, 25, 16, 39, 29, 13, 10]),
        (F.correlate, "same", [34, 51, 48, 57, 24, 25, 16, 39, 29]),
    ],
)
def test_lecture_three(operation, mode, expected):
    assert operation(X, W, mode=mode).tolist() == expected
    assert jax.jit(lambda x, w: operation(x, w, mode=mode))(X, W).tolist() == expected


def test_lecture_threes_picture():
    image, w = np.arange(1, 10).reshape(3, 3), np.array([[2, 0], [0, 0]])
    assert F.correlate(image, w, mode="valid").tolist() == [[2, 4], [8, 10]]
    assert F.correlate(image, w, mode="same").tolist() == (2 * image).tolist()


@pytest.mark.parametrize(
    "shapes", [((5,), (3,)), ((3,), (4,)), ((2, 3, 4), (3, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((), ())]
)
@pytest.mark.parametrize("kind", [np.float32, np.complex64, np.int32])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_against_scipy(shapes, kind, mode):
    x, w = (RNG.integers(-9, 9, shape).astype(kind) for shape in shapes)
    if kind is np.complex64:
        x, w = (x + 1j * np.flip(x)).astype(kind), (w - 2j * np.flip(w)).astype(kind)
    for ours, theirs in ((F.convolve, scipy.signal.convolve), (F.correlate, scipy.signal.correlate)):
        try:
            expected = theirs(x, w, mode=mode, method="direct")
        except ValueError:
            with pytest.raises(ValueError, match="at least as large as the other in every axis"):
                ours(x, w, mode=mode)
            continue
        np.testing.assert_allclose(ours(x, w, mode=mode), expected, atol=1e-3)
        assert ours(x, w, mode=mode).dtype == expected.dtype


@pytest.mark.parametrize("shapes", [((4, 5), (3, 2)), ((2, 3), (4, 4)), ((3, 3), (1, 1))])
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("mode", ["full", "same"])
def test_boundaries_against_scipy(shapes, boundary, mode):
    x, w = (RNG.standard_normal(shape).astype(np.float32) for shape in shapes)
    options = {"mode": mode, "boundary": boundary, "fillvalue": 2}
    np.testing.assert_allclose(F.convolve(x, w, **options), scipy.signal.convolve2d(x, w, **options), atol=1e-4)
    np.testing.assert_allclose(F.correlate(x, w, **options), scipy.signal.correlate2d(x, w, **options), atol=1e-4)


def test_a_larger_complex_kernel_is_conjugated():
    # As `correlate` does; SciPy's `correlate2d` conjugates the image instead.
    x, w = (RNG.standard_normal((*shape, 2)).view(complex)[..., 0].astype(np.complex64) for shape in ((2, 3), (4, 5)))
    expected = scipy.signal.correlate(x, w, mode="valid", method="direct")
    np.testing.assert_allclose(F.correlate(x, w, mode="valid"), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.bool_])
def test_a_fillvalue_of_each_dtype(dtype):
    x, w = np.array([[1, 0, 2]]).astype(dtype), np.array([[1, 1]]).astype(dtype)
    expected = np.convolve([1, 1, 0, 2, 1], [1, 1])[1:-1].astype(dtype)
    y = F.convolve(x, w, fillvalue=1)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [expected])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X, W), {"mode": "all"}, "mode must be one of full, same, valid; got 'all'"),
        ((X, W), {"boundary": "edge"}, "boundary must be one of fill, wrap, symm; got 'edge'"),
        ((X, W[None]), {}, "kernel must have as many axes as x, 1; got 2"),
        ((X, W[:0]), {}, "x and kernel must not be empty"),
        ((X, W), {"fillvalue": 0.5}, "fillvalue must fit the dtype of x, int32; got 0.5"),
    ],
)
def test_refuses(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        F.convolve(*arguments, **options)
