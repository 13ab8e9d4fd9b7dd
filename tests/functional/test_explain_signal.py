"""Hand calculations of SciPy's convolution and correlation, against ours and against SciPy itself."""

import numpy as np
import pytest
import scipy.signal

import jaxcnn.functional as F

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.standard_normal(shape, np.float32)


def test_lecture_signal():
    x, w = np.array([2, 8, 3, 7, 1, 2, 0, 4, 5]), np.array([2, 1, 5, 3])
    e = F.explain(F.convolve, x, w, mode="valid", at=0)
    assert (e.value, e.scipy_convolve, e.scipy_correlate) == (63, 63, 48)
    assert "2·3 + 8·5 + 3·1 + 7·2 = 6 + 40 + 3 + 14 = 63" in str(e)
    same = F.explain(F.correlate, x, w, mode="same", at=(0,))
    assert (same.value, same.pixels) == (34, ((-2, -1, 0, 1),))


SHAPES = [((5,), (2,)), ((3,), (4,)), ((4, 5), (2, 3)), ((2, 3), (3, 4)), ((3, 2, 3), (2, 2, 2))]


@pytest.mark.parametrize(("shape", "kernel"), SHAPES)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("operation", [F.convolve, F.correlate])
def test_signals(operation, mode, shape, kernel):
    x, kernel = (random(*s) + 1j * random(*s) if len(shape) == 2 else random(*s) for s in (shape, kernel))
    boundary = {} if mode == "valid" else {"boundary": "symm"} if len(shape) == 1 else {"fillvalue": 2.0}
    y = np.asarray(operation(x, kernel, mode=mode, **boundary))
    for at in {(0,) * y.ndim, tuple(n - 1 for n in y.shape)}:
        e = F.explain(operation, x, kernel, mode=mode, at=at, **boundary)
        np.testing.assert_allclose(e.by_hand, y[at], rtol=1e-5, atol=1e-5)
        assert e.value == y[at]
        np.testing.assert_allclose(e.by_hand, e.scipy_convolve if operation is F.convolve else e.scipy_correlate)
        other = scipy.signal.correlate if operation is F.convolve else scipy.signal.convolve
        theirs = other(e.window, kernel, mode="valid").item()
        np.testing.assert_allclose(e.scipy_correlate if operation is F.convolve else e.scipy_convolve, theirs, 1e-5)


def test_signals_without_axes_and_in_a_circle():
    assert F.explain(F.convolve, 3, 4, at=()).by_hand == 12
    circle = F.explain(F.convolve, np.arange(1, 4), np.array([10, 1, 100]), boundary="wrap", mode="same", at=0)
    assert circle.window.tolist() == [3, 1, 2]
    assert circle.value == 300 + 1 + 20
