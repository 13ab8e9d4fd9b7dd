"""The pools against plain NumPy loops and the lectures' numbers, on every option, with their gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxcnn.functional as F
from jaxcnn import geometry

QUICK = settings(max_examples=25)
THOROUGH = settings(max_examples=600)

KINDS = {"max": F.max_pool, "min": F.min_pool, "sum": F.sum_pool, "avg": F.avg_pool}


def windows(spatial, *, window, strides, pads, dilation, ceil_mode):
    """Every cell with the pixels that its taps see, row-major, outside ones included; None where no cell is left."""
    cells = []
    for n, w, s, (low, high), d in zip(spatial, window, strides, pads, dilation, strict=True):
        count = (n + low + high - d * (w - 1) - 1 + (s - 1) * ceil_mode) // s + 1
        cells.append(count - (ceil_mode and (count - 1) * s >= n + low))
    if min(cells) < 1:
        return None
    seen = {}
    for cell in itertools.product(*map(range, cells)):
        seen[cell] = [
            tuple(c * s - low + t * d for c, s, (low, _), t, d in zip(cell, strides, pads, taps, dilation, strict=True))
            for taps in itertools.product(*map(range, window))
        ]
    return seen


def is_inside(pixel, spatial, pads=((0, 0),) * 3):
    return all(-low <= p < n + high for p, n, (low, high) in zip(pixel, spatial, pads))  # noqa: B905 - pads may be more


def looped(kind, include_pad, x, ct, seen, pads):
    """Values and the cotangent of x, cell by cell; `ct` is a function of the values' shape."""
    spatial = x.shape[1:-1]
    y = np.zeros((x.shape[0], *np.add(max(seen), 1), x.shape[-1]))
    ct, dx = ct(y.shape), np.zeros_like(x)
    for cell, pixels in seen.items():
        inside = [p for p in pixels if is_inside(p, spatial)]
        at = (slice(None), *cell)
        if kind in ("sum", "avg"):
            counted = len([p for p in pixels if is_inside(p, spatial, pads)] if include_pad else inside)
            divisor = counted if kind == "avg" else 1
            y[at] = sum(x[(slice(None), *p)] for p in inside) / divisor
            for p in inside:
                dx[(slice(None), *p)] += ct[at] / divisor
            continue
        for b, c in itertools.product(range(x.shape[0]), range(x.shape[-1])):
            values = np.array([x[(b, *p, c)] for p in inside])
            # NumPy's argmax and argmin return the first, and a NaN before anything else.
            winner = (np.argmax if kind == "max" else np.argmin)(values)
            y[(b, *cell, c)] = values[winner]
            dx[(b, *inside[winner], c)] += ct[(b, *cell, c)]
    return y, ct, dx


@st.composite
def cases(draw):
    """A pool, its arguments, and the geometry that they mean."""
    n = draw(st.sampled_from([1, 1, 2, 2, 2, 3]))

    def ints(low, high):
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    spatial, window, dilation = ints(1, (7, 6, 3)[n - 1]), ints(1, (4, 3, 2)[n - 1]), ints(1, 3 - n // 2)
    strides = draw(st.sampled_from([None, ints(1, 3)]))
    kind, ceil_mode, include_pad = draw(st.sampled_from([*KINDS])), draw(st.booleans()), draw(st.booleans())
    kwargs = {"strides": tuple(strides or window), "dilation": tuple(dilation)}
    pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=n, max_size=n)
    words = st.sampled_from(["valid", "SAME", "SAME_LOWER", "FULL"] + ["CAUSAL"] * (n == 1))
    padding = draw(st.one_of(words, pairs))
    parsed = {"window": window, "ceil_mode": ceil_mode, **kwargs}
    options = {"strides": strides, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    options |= {"count_include_pad": include_pad} if kind == "avg" else {}
    batch = draw(st.sampled_from([None, 1, 2]))
    given_window = window[0] if batch and len(set(window)) == 1 and draw(st.booleans()) else tuple(window)
    options["data_format"] = draw(st.sampled_from(["channels_last", "channels_first"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(-2, 3, (batch or 1, *spatial, draw(st.integers(1, 2)))).astype(np.float32)
    if kind in ("max", "min") and draw(st.booleans()):
        x = rng.choice(np.array([-np.inf, np.inf, np.nan, 0, 1], np.float32), x.shape)
    return kind, x, given_window, options, parsed, batch


def check_case(case):
    """Values and gradients of one case, or its refusal."""
    kind, x, window, options, parsed, batch = case
    first = options["data_format"] == "channels_first"

    def given_layout(y):
        y = np.moveaxis(y, -1, 1) if first else y
        return y if batch else y[0]

    def operation(x):
        return KINDS[kind](x, window, **options)

    spatial, strides, dilation = x.shape[1:-1], parsed["strides"], parsed["dilation"]
    pads = geometry.padding_pairs(options["padding"], spatial, parsed["window"], strides=strides, dilation=dilation)
    seen = windows(spatial, pads=pads, **parsed)
    has_empty = seen and not all(any(is_inside(p, spatial) for p in pixels) for pixels in seen.values())
    if not seen or (has_empty and kind != "sum"):
        with pytest.raises(ValueError, match="^window must fit" if not seen else "^padding must leave every window"):
            operation(given_layout(x))
        return
    rng = np.random.default_rng(0)
    include_pad = options.get("count_include_pad")
    y, ct, dx = looped(kind, include_pad, x, lambda shape: rng.integers(1, 4, shape), seen, pads)

    @jax.jit
    def value_and_cotangent(x, ct):
        y, pull = jax.vjp(operation, x)
        return y, *pull(ct)

    got, ct_x = value_and_cotangent(given_layout(x), given_layout(ct.astype(np.float32)))
    np.testing.assert_allclose(got, given_layout(y), rtol=3e-7)
    np.testing.assert_allclose(ct_x, given_layout(dx), rtol=1e-6)


@QUICK
@given(cases())
def test_against_loops(case):
    check_case(case)


@pytest.mark.slow
@THOROUGH
@given(cases())
def test_against_loops_thoroughly(case):
    check_case(case)


@pytest.mark.parametrize(("window", "dilation"), [(2, 2), (2, 4), (4, 2), (3, 2)])
def test_a_lone_pixel_between_dilated_taps(window, dilation):
    def total(x):
        return F.sum_pool(x, (window, 1), padding="SAME", dilation=(dilation, 1))

    x = jnp.full((1, 1, 1, 1), 2.0)
    seen = window % 2
    y, gradient = jax.jit(lambda x: (total(x), jax.grad(lambda x: total(x).sum())(x)))(x)
    assert (y.item(), gradient.item()) == (2 * seen, seen)


def image(rows):
    return jnp.asarray(rows, jnp.float32)[..., None]


MAP = [
    [10, 7, 2, 42, 30, 25],
    [1, 16, 33, 8, 7, 6],
    [9, 22, 11, 45, 10, 22],
    [13, 15, 31, 27, 12, 41],
    [7, 20, 19, 30, 23, 6],
    [3, 24, 15, 27, 14, 40],
]


def test_lecture_maps():
    np.testing.assert_array_equal(F.max_pool(image(MAP), (2, 2))[..., 0], [[16, 42, 30], [22, 45, 41], [24, 30, 40]])
    four = image([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])
    np.testing.assert_array_equal(F.max_pool(four, (2, 2))[..., 0], [[6, 8], [3, 4]])
    np.testing.assert_array_equal(F.min_pool(four, (2, 2))[..., 0], [[1, 2], [1, 0]])
    np.testing.assert_array_equal(F.avg_pool(four, (2, 2))[..., 0], [[3.25, 5.25], [2, 2]])
    np.testing.assert_array_equal(F.sum_pool(four, (2, 2))[..., 0], [[13, 21], [8, 8]])
    tiny = image([[4, 3], [2, 1]])
    np.testing.assert_array_equal(F.max_pool(tiny, (2, 2), strides=1)[..., 0], [[4]])
    np.testing.assert_array_equal(F.max_pool(tiny, (2, 2), strides=1, padding="SAME")[..., 0], [[4, 3], [2, 1]])


def test_average_counts_by_hand():
    # Ones, padded by one and overhanging by one more: 1, 2 or 3 taps of 3 inside, 2 or 3 with the declared padding.
    ones = jnp.ones((1, 4, 1))
    options = {"strides": 2, "padding": 1, "ceil_mode": True}
    np.testing.assert_array_equal(F.avg_pool(ones, 3, **options), np.ones((1, 3, 1)))
    with_pad = F.avg_pool(ones, 3, count_include_pad=True, **options)
    np.testing.assert_allclose(with_pad[0, :, 0], [2 / 3, 1, 1 / 2], rtol=1e-6)


def gradient(operation, x):
    return jax.jit(jax.grad(lambda x: operation(x).sum()))(x)


@pytest.mark.parametrize("strides", [1, 2])
def test_the_first_of_equals_gets_the_gradient(strides):
    # Stride 1 runs over slices, stride 2 over tiles.
    x, expected = jnp.full((1, 2, 4, 1), 7.0), {1: [[1, 1, 1, 0], [0, 0, 0, 0]], 2: [[1, 0, 1, 0], [0, 0, 0, 0]]}
    for pool in (F.max_pool, F.min_pool):
        ct = gradient(lambda x, pool=pool: pool(x, 2, strides=strides), x)
        np.testing.assert_array_equal(ct[0, ..., 0], expected[strides])


@pytest.mark.parametrize("pool", [F.max_pool, F.min_pool])
def test_nan_wins_and_the_first_gets_the_gradient(pool):
    x = jnp.array([1.0, jnp.nan, jnp.nan, 5.0])[None, :, None]
    assert jnp.isnan(pool(x, 4)).all()
    np.testing.assert_array_equal(gradient(lambda x: pool(x, 4), x)[0, :, 0], [0, 1, 0, 0])
    np.testing.assert_array_equal(gradient(lambda x: pool(x, 3, strides=1, padding=1), x)[0, :, 0], [0, 3, 1, 0])


@pytest.mark.parametrize(("pool", "worst"), [(F.max_pool, -jnp.inf), (F.min_pool, jnp.inf)])
def test_padding_never_wins(pool, worst):
    x = jnp.full((1, 3, 1), worst)
    y = pool(x, 3, strides=2, padding=1)
    np.testing.assert_array_equal(y, np.full((1, 2, 1), worst))
    # Each window's first pixel of the input: 0 and 1.
    ct = gradient(lambda x: pool(x, 3, strides=2, padding=1), x)
    np.testing.assert_array_equal(ct[0, :, 0], [1, 1, 0])


def test_whole_images():
    x = jnp.asarray(np.random.default_rng(0).integers(-4, 5, (2, 3, 5, 2)), jnp.float32)
    for pool, reduce in ((F.global_max_pool, np.max), (F.global_avg_pool, np.mean)):
        expected = reduce(x, (1, 2))
        first = jnp.moveaxis(x, -1, 1)
        for y in (pool(x), pool(first, data_format="channels_first"), pool(x, keepdims=True)[:, 0, 0]):
            np.testing.assert_allclose(y, expected, rtol=1e-6)
        np.testing.assert_allclose(pool(x[0], spatial_dims=2), expected[0], rtol=1e-6)
        assert pool(first, data_format="channels_first", keepdims=True).shape == (2, 2, 1, 1)
        assert pool(x[:0]).shape == (0, 2)
    np.testing.assert_array_equal(F.global_max_pool(x), F.max_pool(x, (3, 5))[:, 0, 0])
    tied = x.at[0, 1, 2, 0].set(9).at[0, 2, 0, 0].set(9)
    ct = gradient(F.global_max_pool, tied)
    assert ct[0, 1, 2, 0] == 1
    assert ct.sum() == 4
    assert jnp.isnan(F.global_max_pool(tied.at[0, 2, 2, 0].set(jnp.nan))[0, 0])
    np.testing.assert_array_equal(gradient(F.global_avg_pool, x), np.full(x.shape, 1 / 15, np.float32))


@pytest.mark.slow
def test_large_windows():
    # Beyond a hundred taps the gradients run in a loop.
    x = jnp.asarray(np.random.default_rng(0).integers(-9, 9, (1, 14, 13, 2)), jnp.float32)
    parsed = {"window": (12, 12), "strides": (1, 1), "pads": ((1, 0), (0, 0)), "dilation": (1, 1), "ceil_mode": False}
    seen = windows((14, 13), **parsed)
    for kind in ("max", "min", "avg", "sum"):
        y, ct, dx = looped(kind, False, np.asarray(x), np.ones, seen, parsed["pads"])
        got, pull = jax.vjp(lambda x, kind=kind: KINDS[kind](x, 12, strides=1, padding=[(1, 0), (0, 0)]), x)
        np.testing.assert_allclose(got, y, rtol=1e-6)
        np.testing.assert_allclose(pull(ct.astype(np.float32))[0], dx, rtol=1e-5)
