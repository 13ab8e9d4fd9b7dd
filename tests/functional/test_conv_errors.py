"""What F.conv refuses: one sentence that begins with the argument, before anything compiles."""

import functools
import re

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxcnn.functional as F


def array(*shape, dtype=np.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def shape_of(x, kernel, *bias, **options):
    """The result's shape from shapes alone: what is refused here is refused before compilation."""
    return jax.eval_shape(functools.partial(F.conv, **options), x, kernel, *bias).shape


X, K = array(2, 5, 5, 4), array(3, 3, 4, 6)
X1, K1 = array(2, 5, 4), array(3, 4, 6)
SIZES = r"must be an integer >= 1 or 2 of them, one a spatial dimension; got "

REFUSED = [
    (
        "window too large",
        (array(2, 2, 5, 4), K),
        {},
        r"^window must fit .* 3 \(it spans 3\) in spatial dimension 0.* 2",
    ),
    ("dilated too large", (X, K), {"kernel_dilation": 3}, r"a window of 3 with dilation 3 \(it spans 7\).* has 5; use"),
    ("padded too little", (X, array(9, 3, 4, 6)), {"padding": 1}, r"input of 5 with padding \(1, 1\) has 7"),
    ("stride 0", (X, K), {"strides": 0}, f"^strides {SIZES}0$"),
    ("stride below 0", (X, K), {"strides": (1, -2)}, rf"^strides {SIZES}\(1, -2\)$"),
    ("half a stride", (X, K), {"strides": 1.5}, rf"^strides {SIZES}1\.5$"),
    ("stride 2.0", (X, K), {"strides": (2.0, 1)}, rf"^strides {SIZES}\(2\.0, 1\)$"),
    ("stride True", (X, K), {"strides": True}, f"^strides {SIZES}True$"),
    ("stride '2'", (X, K), {"strides": "2"}, f"^strides {SIZES}'2'$"),
    ("stride None", (X, K), {"strides": None}, f"^strides {SIZES}None$"),
    ("three strides", (X, K), {"strides": (1, 2, 3)}, rf"^strides {SIZES}\(1, 2, 3\), which has 3$"),
    ("no strides", (X, K), {"strides": ()}, rf"^strides {SIZES}\(\), which has 0$"),
    ("dilation 0", (X, K), {"kernel_dilation": 0}, f"^kernel_dilation {SIZES}0$"),
    ("input dilation 0", (X, K), {"input_dilation": (0, 1)}, rf"^input_dilation {SIZES}\(0, 1\)$"),
    ("groups 0", (X, K), {"groups": 0}, "^groups must be an integer of at least 1, got 0$"),
    ("groups 2.0", (X, K), {"groups": 2.0}, r"^groups must be an integer of at least 1, got 2\.0$"),
    ("groups of 4 by 3", (X, K), {"groups": 3}, "^groups must divide the channels of x .* groups=3 with 4 and 6$"),
    ("groups of 6 by 4", (X, array(3, 3, 1, 6)), {"groups": 4}, "^groups must divide .* groups=4 with 4 and 6$"),
    ("kernel channels", (X, array(3, 3, 3, 6)), {}, "^kernel must have .* = 4 input channels for x of 4 .* got 3 in"),
    ("grouped kernel", (X, K), {"groups": 2}, "^kernel must have in_channels // groups = 2 .* groups=2; got 4 in"),
    (
        "unknown word",
        (X, K),
        {"padding": "SIDEWAYS"},
        "^padding must be one of VALID, .*; got 'SIDEWAYS' for 2-D$",
    ),
    ("causal image", (X, K), {"padding": "CAUSAL"}, "^padding must be one of .*FULL, an .*; got 'CAUSAL' for 2-D$"),
    ("pair in 1-D", (X1, K1), {"padding": (1, 2)}, r"^padding must be .* \[\(low, high\)\]; got \(1, 2\)$"),
    ("negative padding", (X, K), {"padding": -1}, "^padding must be .*; got -1$"),
    ("negative pair", (X, K), {"padding": [(0, -1), (0, 0)]}, r"^padding must be .*; got \[\(0, -1\), \(0, 0\)\]$"),
    ("float padding", (X, K), {"padding": 1.0}, r"^padding must be .*; got 1\.0$"),
    ("padding None", (X, K), {"padding": None}, "^padding must be .*; got None$"),
    ("one pair for two", (X, K), {"padding": [(1, 2)]}, r"^padding must be .* or 2 \(low, high\) pairs; got"),
    ("mixed padding", (X, K), {"padding": (1, (1, 2))}, r"^padding must be .*; got \(1, \(1, 2\)\)$"),
    ("three in a pair", (X, K), {"padding": ((1, 2, 3), (1, 2, 3))}, "^padding must be .*; got"),
    ("unknown mode", (X, K), {"padding_mode": "edge"}, "^padding_mode must be one of zeros, .*; got 'edge'$"),
    ("a list of modes", (X, K), {"padding_mode": ["zeros"]}, r"^padding_mode must be one of .*; got \['zeros'\]$"),
    (
        "too much reflection",
        (X, K),
        {"padding": [(0, 0), (0, 5)], "padding_mode": "reflect"},
        r"^padding must be at most 4 pixels .*'reflect' in spatial dimension 1 of 5 pixels; got \(0, 5\); use less",
    ),
    (
        "more than a turn",
        (X, K),
        {"padding": 6, "padding_mode": "circular"},
        r"^padding must be at most 5 pixels .*'circular' in spatial dimension 0 of 5 pixels; got \(6, 6\); use less",
    ),
    (
        "word with holes",
        (X, K),
        {"padding": "same", "input_dilation": 2},
        r"^padding must be VALID, .* above 1; got 'same' with input_dilation=\(2, 2\)$",
    ),
    (
        "mode with holes",
        (X, K),
        {"padding": 1, "padding_mode": "reflect", "input_dilation": (1, 2)},
        r'^padding_mode must be "zeros" .* above 1; got \'reflect\' with input_dilation=\(1, 2\)$',
    ),
    ("rank of x", (array(5, 4), K), {}, r"^x must have 4 axes \(batch, \*spatial, channels\), or 3 .* \(5, 4\)$"),
    (
        "rank, channels first",
        (array(1, 2, 3, 4, 5), K),
        {"data_format": "channels_first"},
        r"^x must have 4 axes \(batch, channels, \*spatial\), or 3",
    ),
    (
        "rank of the kernel",
        (X, array(3, 4)),
        {},
        r"^kernel must have shape \(\*window, .* got shape \(3, 4\)$",
    ),
    ("4-D", (array(*[2] * 6), array(*[1] * 6)), {}, "^kernel must have shape .* 1 to 3 window dimensions; got shape"),
    ("no window", (X, array(0, 3, 4, 6)), {}, "^kernel must have shape .* none of them 0"),
    ("no pixels", (array(2, 0, 5, 4), K), {}, "^x must have at least one pixel and one channel; got shape"),
    ("no channels", (array(2, 5, 5, 0), K), {}, "^x must have at least one pixel and one channel; got shape"),
    ("bias shape", (X, K, array(5)), {}, r"^bias must have shape \(6,\), one value an output channel; got \(5,\)$"),
    ("bias rank", (X, K, array(1, 6)), {}, r"^bias must have shape \(6,\).* got \(1, 6\)$"),
    ("layout", (X, K), {"data_format": "NHWC"}, "^data_format must be one of channels_last, .*; got 'NHWC'$"),
]


@pytest.mark.parametrize(("arrays", "options", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(arrays, options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - `match` would look at the note that JAX adds, too
        shape_of(*arrays, **options)
    assert re.search(message, str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dtypes", "kinds"),
    [((np.int8, np.int8, np.float32), "float32 .* int32"), ((np.float32, np.float32, np.complex64), "complex64")],
)
def test_a_bias_that_would_lose_values(dtypes, kinds):
    arrays = (array(*shape, dtype=d) for shape, d in zip([(2, 5, 4), (3, 4, 6), (6,)], dtypes, strict=True))
    with pytest.raises(TypeError, match=f"^bias of {kinds}"):
        shape_of(*arrays)


def test_not_an_array():
    for x in (np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError, match="x must be an array of numbers"):
            F.conv(x, np.ones((1, 1, 1)))
    with pytest.raises(TypeError, match="kernel must be an array of numbers, got one of key"):
        F.conv(np.ones((1, 2, 1)), jax.random.split(jax.random.key(0), 1)[None, None])


ODD = st.one_of(
    st.integers(-2, 9),
    st.sampled_from(
        [None, True, 1.0, 0.5, "2", "SAME", "reflect", "channels_first", b"1", float("nan"), 10**20, {1: 2}]
    ),
    st.sampled_from([(), (1,), (2, 1), [1, 2], (1, 2, 3), ((1, 1), (0, 2)), [[1], [1, 2]], ((1, 2),), {1}, ("a", 1)]),
    st.sampled_from([np.int64(2), np.array(2), np.array([1, 2]), np.array([1.0, 2.0])]),
)
OPTIONS = ["strides", "padding", "padding_mode", "input_dilation", "kernel_dilation", "groups", "data_format"]


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(OPTIONS), ODD, min_size=1, max_size=3),
    st.lists(st.integers(0, 5), min_size=2, max_size=5),
    st.lists(st.integers(0, 3), min_size=2, max_size=5),
)
def test_any_arguments_work_or_are_refused_in_our_words(options, x, kernel):
    # Mostly right shapes, so that the options get their turn.
    arrays = (X, K) if sum(x) % 3 else (array(*x), array(*kernel))
    try:
        shape_of(*arrays, **options)
    except ValueError as refusal:
        message = str(refusal)
        assert message.split()[0] in {*OPTIONS, "x", "kernel", "window"}
        assert " must " in message
        assert "got " in message
        assert "\n" not in message
