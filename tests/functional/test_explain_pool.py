"""The pools' hand calculations: the lectures' windows, padding and divisors by hand, and every cell of the output."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F

RNG = np.random.default_rng(1)
LECTURE = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], np.float32)[..., None]


@pytest.mark.parametrize(
    ("at", "value", "chosen", "line"),
    [
        ((0, 0), 6, (1, 1), "max(1, 1, 5, 6) = 6, at pixel (1, 1)"),
        ((0, 1), 8, (1, 3), "max(2, 4, 7, 8) = 8, at pixel (1, 3)"),
        ((1, 0), 3, (2, 0), "max(3, 2, 1, 2) = 3, at pixel (2, 0)"),
        ((1, 1), 4, (3, 3), "max(1, 0, 3, 4) = 4, at pixel (3, 3)"),
    ],
)
def test_lecture_maxima(at, value, chosen, line, capsys):
    e = F.explain(F.max_pool, LECTURE, (2, 2), at=at)
    assert (e.value, e.by_hand, e.chosen) == (value, value, chosen)
    assert (e.taps, e.products, e.sum, e.bias, e.scipy_correlate) == (None,) * 5
    assert line in capsys.readouterr().out


def test_lecture_same_sees_no_padding():
    e = F.explain(F.max_pool, jnp.array([[4.0, 3], [2, 1]])[..., None], (2, 2), strides=1, padding="SAME", at=(1, 0))
    assert (e.value, e.window.tolist(), e.pixels) == (2, [[2, 1]], ((1,), (0, 1)))


def test_sums_and_means_by_hand():
    assert str(F.explain(F.sum_pool, LECTURE, (2, 2), at=(0, 0))).endswith("\n  1 + 1 + 5 + 6 = 13")
    mean = F.explain(F.avg_pool, LECTURE, (2, 2), padding=1, at=(0, 1))
    assert (mean.sum, mean.divisor, mean.value) == (3, 2, 1.5)
    assert str(mean).endswith("\n  1 + 2 = 3\n  3 / 2 = 1.5")
    counted = F.explain(F.avg_pool, LECTURE, (2, 2), padding=1, count_include_pad=True, at=(0, 1))
    assert (counted.sum, counted.divisor, counted.value) == (3, 4, 0.75)


def test_norms_by_hand():
    x = np.array([[3.0], [-4.0]])
    e = F.explain(F.lp_pool, x, (2,), at=0)
    assert (e.products.tolist(), e.sum, e.order) == ([9, 16], 25, 2)
    assert str(e).endswith("\n  |3|^2 + |-4|^2 = 9 + 16 = 25\n  25^(1/2) = 5")
    assert str(F.explain(F.lp_pool, x, (2,), p=1, at=0)).endswith("\n  |3| + |-4| = 3 + 4 = 7")
    largest = F.explain(F.lp_pool, x, (2,), p=math.inf, at=0)
    assert (largest.value, largest.chosen) == (4, (1,))
    assert F.explain(F.lp_pool, x, (1,), p=math.inf, padding=1, at=0).by_hand == 0


def test_ties_and_nans():
    equals = F.explain(F.min_pool, np.array([[2.0], [1], [1]]), (3,), at=0)
    assert equals.chosen == (1,)
    assert str(equals).endswith("min(2, 1, 1) = 1, at pixel (1,), the first of 2 equals")
    nan = F.explain(F.max_pool, np.array([[2.0], [np.nan], [np.nan]]), (3,), at=0)
    assert nan.chosen == (1,)
    assert str(nan).endswith("max(2, nan, nan) = nan, at pixel (1,)")
    sums = F.explain(F.sum_pool, np.array([[np.inf], [-np.inf]]), (2,), at=0)
    assert str(sums).endswith("inf - inf = nan")


def test_integers():
    e = F.explain(F.max_pool, np.array([[3], [250]], np.uint8), (2,), at=0)
    assert (e.value, e.value.dtype, e.by_hand) == (250, np.uint8, 250)
    assert F.explain(F.sum_pool, np.array([[100], [100]], np.int8), (2,), at=0).by_hand == 200


OPTIONS = [
    {"window": (3,), "strides": 2, "dilation": 2, "padding": 1, "ceil_mode": True},
    {"window": (2, 3), "strides": (1, 2), "padding": "SAME"},
    {"window": 2, "ceil_mode": True},
    {"window": (2, 2, 2), "strides": 1, "dilation": (1, 2, 1), "padding": [(0, 1), (0, 0), (1, 0)]},
]
POOLS = [F.max_pool, F.min_pool, F.sum_pool, F.avg_pool, F.lp_pool]


# Every pool in one and two dimensions, the cheapest to compile in all.
CASES = [(pool, options) for pool in POOLS for options in (OPTIONS if pool is F.avg_pool else OPTIONS[:2])]


@pytest.mark.parametrize(("pool", "options"), CASES)
def test_every_pool(pool, options):
    window, options = options["window"], {k: v for k, v in options.items() if k != "window"}
    x = RNG.standard_normal((2, *(5, 4, 3)[: 2 if window == 2 else len(window)], 2), np.float32)
    y = np.asarray(pool(x, window, **options))
    for at in [(0,) * (y.ndim - 2), tuple(n - 1 for n in y.shape[1:-1])]:
        e = F.explain(pool, x, window, at=at, example=1, channel=1, **options)
        assert e.value == y[(1, *at, 1)]
        np.testing.assert_allclose(e.by_hand, e.value, rtol=1e-5, atol=1e-6)
        assert "the operation itself" not in str(e)
        if e.chosen is not None:
            assert x[(1, *e.chosen, 1)] == e.value


def test_channels_first():
    x = RNG.standard_normal((1, 2, 4, 4), np.float32)
    e = F.explain(F.max_pool, x, 2, data_format="channels_first", channel=1, at=(1, 0))
    assert e.value == x[0, 1, 2:, :2].max()
