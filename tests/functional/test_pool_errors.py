"""What the pools refuse: one sentence that begins with the argument, before anything compiles."""

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


def array(*shape, dtype=np.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def shape_of(pool, x, **options):
    """The result's shape from shapes alone: what is refused here is refused before compilation."""
    return jax.eval_shape(functools.partial(pool, **options), x).shape


X, X1 = array(2, 5, 5, 4), array(2, 5, 4)
SIZES = r"must be an integer >= 1 or 2 of them, one a spatial dimension; got "
WINDOW = r"^window must be an int with x of 3 to 5 axes \(batch, \*spatial, channels\), or a tuple of 1 to 3 ints; got "

REFUSED = [
    ("window 0", F.max_pool, X, {"window": 0}, f"^window {SIZES}0$"),
    ("window -1", F.max_pool, X, {"window": (2, -1)}, rf"^window {SIZES}\(2, -1\)$"),
    ("window 2.0", F.max_pool, X, {"window": 2.0}, rf"^window {SIZES}2\.0$"),
    ("window True", F.max_pool, X, {"window": True}, f"^window {SIZES}True$"),
    ("window None", F.max_pool, X, {"window": None}, f"^window {SIZES}None$"),
    ("no window", F.max_pool, X, {"window": ()}, rf"{WINDOW}\(\) with shape \(2, 5, 5, 4\)$"),
    ("4-D window", F.max_pool, X, {"window": (1,) * 4}, WINDOW),
    ("vector", F.max_pool, array(4), {"window": 2}, rf"{WINDOW}2 with shape \(4,\)$"),
    ("4-D", F.max_pool, array(1, 2, 2, 2, 2, 3), {"window": 2}, WINDOW),
    ("rank", F.max_pool, array(5, 4), {"window": (2, 2)}, r"^x must have 4 axes \(batch, .* or 3 .* shape \(5, 4\)$"),
    ("no pixels", F.max_pool, array(2, 5, 0, 4), {"window": 2}, "^x must have at least one pixel and one channel; got"),
    (
        "too large",
        F.max_pool,
        X,
        {"window": (2, 6)},
        r"^window must fit .* 6 \(it spans 6\) in .* dimension 1, .* 5;",
    ),
    ("dilated", F.max_pool, X, {"window": 3, "dilation": 3}, r"a window of 3 with dilation 3 \(it spans 7\)"),
    ("even in ceil mode", F.max_pool, X, {"window": 7, "strides": 2, "ceil_mode": True}, "^window must fit"),
    ("stride 0", F.avg_pool, X, {"window": 2, "strides": 0}, f"^strides {SIZES}0$"),
    ("half a stride", F.sum_pool, X, {"window": 2, "strides": 0.5}, rf"^strides {SIZES}0\.5$"),
    ("dilation 0", F.min_pool, X, {"window": 2, "dilation": 0}, f"^dilation {SIZES}0$"),
    (
        "padding",
        F.max_pool,
        X,
        {"window": 2, "padding": "HALF"},
        "^padding must be one of .*; got 'HALF' for 2-D$",
    ),
    ("pair in 1-D", F.max_pool, X1, {"window": 2, "padding": (1, 2)}, r"^padding must be .*; got \(1, 2\)$"),
    ("ceil_mode", F.max_pool, X, {"window": 2, "ceil_mode": "no"}, "^ceil_mode must be True or False, got 'no'$"),
    ("count", F.avg_pool, X, {"window": 2, "count_include_pad": 2}, "^count_include_pad must be True or False, got 2$"),
    ("layout", F.max_pool, X, {"window": 2, "data_format": "NCHW"}, "^data_format must be one of .*; got 'NCHW'$"),
    ("keepdims", F.global_avg_pool, X, {"keepdims": None}, "^keepdims must be True or False, got None$"),
    ("whole vector", F.global_max_pool, array(3, 4), {}, r"^x must have axes .* at least one spatial axis; got shape"),
    (
        "spatial_dims 0",
        F.global_max_pool,
        X,
        {"spatial_dims": 0},
        "^spatial_dims must be an integer .* 1, got 0$",
    ),
    ("spatial_dims 4", F.global_avg_pool, X, {"spatial_dims": 4}, "^x must have 6 axes .* for 4 spatial dimensions"),
    (
        "whole, huge",
        F.global_max_pool,
        array(1, 2**16, 2**15, 1),
        {},
        r"^x must have fewer than 2\*\*31 pixels .*; got",
    ),
    ("whole nothing", F.global_max_pool, array(2, 0, 4), {}, "^x must have at least one pixel and one channel; got"),
]
REFUSED += [
    (
        f"{pool.__name__} of padding",
        pool,
        X1,
        {"window": 2, "padding": [(0, 3)]},
        r"^padding must leave every window a pixel .*; got \(0, 3\) in spatial dimension 0, where window 3 of 2",
    )
    for pool in (F.max_pool, F.min_pool, F.avg_pool)
]
U8 = array(1, 2, 1, dtype=np.uint8)
REFUSED += [
    (f"init {init} in {x.dtype}", F.pool, x, {"window": 2, "init": init, "reducer": lax.max}, f"^init must {rule}")
    for x, init, rule in [
        (U8, 256, "fit the dtype of x, uint8; got 256; "),
        (U8, -1, "fit the dtype of x, uint8; got -1; "),
        (U8, -np.inf, "fit the dtype of x, uint8; got -inf; "),
        (array(1, 2, 1, dtype=np.bool_), 1, "fit the dtype of x, bool; got 1; "),
        (X1, 1j, "fit the dtype of x, float32; got 1j; "),
        (X1, np.zeros(2), r"be a scalar, got shape \(2,\)$"),
    ]
]
REFUSED += [
    (f"reducer {number}", F.pool, X1, {"window": 2, "init": 0, "reducer": reducer}, "^reducer must .* for two scalars")
    for number, reducer in enumerate([lax.gt, lambda a, b: (a, b), lambda a, b: 1, lambda a, b: jnp.stack([a, b])])
]


@pytest.mark.parametrize(("pool", "x", "options", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(pool, x, options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - `match` would look at the note that JAX adds, too
        shape_of(pool, x, **options)
    assert re.search(message, str(caught.value))
    assert "\n" not in str(caught.value)


def test_sums_see_padding_alone():
    np.testing.assert_array_equal(F.sum_pool(np.ones((1, 3, 1), np.float32), 2, padding=[(0, 3)])[0, :, 0], [2, 1, 0])


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.bool_])
def test_integers_have_no_average(dtype):
    for pool in (F.global_avg_pool, functools.partial(F.avg_pool, window=2)):
        with pytest.raises(TypeError, match=r"^x must be floating or complex for \w+, since .*, got .*; cast it"):
            shape_of(pool, array(1, 2, 1, dtype=dtype))


def test_complex_numbers_have_no_order():
    x = array(1, 2, 1, dtype=np.complex64)
    for pool, name in ((F.max_pool, "max_pool"), (F.min_pool, "min_pool")):
        with pytest.raises(TypeError, match=f"^x must be real for {name}, since .*, got complex64"):
            shape_of(pool, x, window=2)
    with pytest.raises(TypeError, match=r"^x must be real for global_max_pool"):
        shape_of(F.global_max_pool, x)
    assert shape_of(F.avg_pool, x, window=2) == (1, 1, 1)


@pytest.mark.parametrize("reducer", [lax.neg, max, lambda: 0])
def test_not_a_reducer(reducer):
    with pytest.raises(TypeError, match=r"^reducer must be a function of two arrays"):
        shape_of(F.pool, X, window=2, init=0, reducer=reducer)


def test_not_an_array():
    for x in (np.array(["a"]), np.array([None]), jax.random.split(jax.random.key(0), 4)[None, :, None]):
        with pytest.raises(TypeError, match=r"^x must be an array of numbers, got"):
            F.max_pool(x, 2)


ODD = st.one_of(
    st.integers(-2, 9),
    st.sampled_from([None, True, 1.0, 0.5, "2", "SAME", "channels_first", b"1", 10**20, {1: 2}]),
    st.sampled_from([(), (1,), (2, 1), [1, 2], (1, 2, 3), ((1, 1), (0, 2)), [[1], [1, 2]], ((1, 2),), {1}, ("a", 1)]),
    st.sampled_from([np.int64(2), np.array(2), np.array([1, 2]), np.array([1.0, 2.0])]),
)
OPTIONS = ["strides", "padding", "dilation", "ceil_mode", "data_format"]


@settings(max_examples=300)
@given(
    st.sampled_from([F.max_pool, F.avg_pool, F.sum_pool]),
    ODD,
    st.dictionaries(st.sampled_from(OPTIONS), ODD, max_size=2),
    st.lists(st.integers(0, 5), max_size=6),
)
def test_any_arguments_work_or_are_refused_in_our_words(pool, window, options, x):
    try:
        shape_of(pool, X if sum(x) % 3 else array(*x), window=window, **options)
    except ValueError as refusal:
        message = str(refusal)
        assert message.split()[0] in {*OPTIONS, "x", "window"}
        assert " must " in message
        assert "got " in message
        assert "\n" not in message
