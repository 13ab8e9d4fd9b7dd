"""A wrong value at any argument of any operation works or is refused in one sentence, before anything compiles."""

import inspect
import random

import jax
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F

KEY = jax.random.key(0)


def array(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


X = array(2, 5, 6, 4)
# Arguments that work; the options not named here have defaults.
CALLS = {
    F.conv: {"x": X, "kernel": array(2, 3, 4, 4), "bias": array(4)},
    F.conv_transpose: {"x": X, "kernel": array(2, 3, 4, 4), "bias": array(4)},
    F.depthwise_conv: {"x": X, "kernel": array(2, 3, 4, 2), "bias": array(8)},
    F.separable_conv: {"x": X, "depthwise_kernel": array(2, 3, 4, 2), "pointwise_kernel": array(1, 1, 8, 3)},
    F.local_conv: {"x": X, "kernel": array(4, 4, 2, 3, 4, 5), "bias": array(5)},
    F.convolve: {"x": X[0, ..., 0], "kernel": array(2, 3)},
    F.correlate: {"x": X[0, ..., 0], "kernel": array(2, 3)},
    F.pool: {"x": X, "window": 2, "init": 1, "reducer": lax.mul},
    F.max_pool: {"x": X, "window": 2},
    F.min_pool: {"x": X, "window": 2},
    F.sum_pool: {"x": X, "window": 2},
    F.avg_pool: {"x": X, "window": 2},
    F.lp_pool: {"x": X, "window": 2},
    F.max_pool_with_argmax: {"x": X, "window": 2},
    F.stochastic_pool: {"key": KEY, "x": X, "window": 2},
    F.stochastic_pool_mean: {"x": X, "window": 2},
    F.fractional_max_pool: {"key": KEY, "x": X, "window": 2, "output_size": 2},
    F.global_max_pool: {"x": X},
    F.global_avg_pool: {"x": X},
    F.adaptive_max_pool: {"x": X, "output_size": 2},
    F.adaptive_avg_pool: {"x": X, "output_size": 2},
    F.spatial_pyramid_pool: {"x": X, "levels": (1, 2)},
    F.max_unpool: {"values": X, "indices": array(2, 5, 6, 4, dtype=np.int32), "output_shape": 9},
    F.extract_patches: {"x": X, "window": 2},
    F.fold_patches: {"patches": array(2, 4, 5, 16), "window": 2, "output_shape": (5, 6)},
    F.blur_pool: {"x": X},
    F.local_response_norm: {"x": X, "size": 3, "alpha": 1.0, "beta": 0.5, "k": 1.0},
}
NUMBERS = [None, True, -1, 0, 3, 100, 2**31 - 1, 2**31, 10**20, 1.5, 2.0, float("nan"), float("inf"), 1j, np.int64(2)]
WORDS = ["a", "SAME", "channels_first", "reflect", b"x", ("a", "b"), np.array("a"), np.array(["a", "b"])]
SEQUENCES = [(), [], (1,), (2, 1), (1, 2, 3), (1, 2, 3, 4), (0, 0), (-1, -1), (10**10, 1), (1.5, 2), (True, 1)]
NESTED = [((1, 2), (3, 4)), ((1, 2), 3), ((1, 2, 3), (1, 2, 3)), [[1], [2]], [[1, 2], [3]], (None, None), ((2**31, 1),)]
ARRAYS = [np.array(2), np.array([1, 2]), np.array([1.0, 2]), np.array([[1, 2], [0, 1]]), array(0), array(2, 0, 5, 4)]
ARRAYS += [
    array(0, 5, 6, 4),
    array(*[1] * 7),
    array(2, 5, 6, 4, dtype=np.complex64),
    np.ma.ones(3),
    array(2, 5, 6, 4) > 2,
]
OBJECTS = [{1: 2}, {1}, object(), range(2), slice(1, 2), lambda: 0, lambda a: a, min, KEY, np.datetime64("2020")]
WRONG = NUMBERS + WORDS + SEQUENCES + NESTED + ARRAYS + OBJECTS


def shape_of(operation, arguments):
    """Shapes alone: what is refused here is refused before compilation."""
    parameters = inspect.signature(operation).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in arguments]
    traced = {n: a for n, a in arguments.items() if n in names and type(a) is np.ndarray and a.dtype.kind in "fc"}

    def call(traced):
        given = arguments | traced
        arrays = [given.pop(name) for name in names]
        # Without the type checks that the tests wrap around every function: users don't have them.
        return inspect.unwrap(operation)(*arrays, **given)

    return jax.eval_shape(call, traced)


def test_every_operation_is_here():
    public = {value for value in vars(F).values() if callable(value) and not isinstance(value, type)}
    assert {f.__name__ for f in public - {*CALLS}} <= {"conv_general_dilated", "explain"}


def check(operation, arguments):
    parameters = {*inspect.signature(operation).parameters, "window"}
    try:
        shape_of(operation, arguments)
    except (TypeError, ValueError) as refusal:
        message = str(refusal)
        assert message.split()[0] in parameters, message
        assert "\n" not in message
        assert " must " in message or "would lose values" in message, message
        assert len(message) < 500, message


OPERATIONS = pytest.mark.parametrize("operation", CALLS, ids=lambda f: f.__name__)


@OPERATIONS
def test_dtypes_are_promoted_in_plain_sight(operation):
    with jax.numpy_dtype_promotion("strict"):
        shape_of(operation, CALLS[operation])


@OPERATIONS
def test_a_wrong_argument(operation):
    works, draw = CALLS[operation], random.Random(operation.__name__)
    shape_of(operation, works)
    for name in inspect.signature(operation).parameters:
        for value in draw.sample(WRONG, 8):
            check(operation, works | {name: value})


@pytest.mark.slow
@OPERATIONS
def test_every_wrong_argument(operation):
    for name in inspect.signature(operation).parameters:
        for value in WRONG:
            check(operation, CALLS[operation] | {name: value})


@pytest.mark.parametrize(
    "operation", [f for f in CALLS if f not in (F.convolve, F.correlate)], ids=lambda f: f.__name__
)
def test_an_empty_batch_gives_an_empty_result(operation):
    works = CALLS[operation]
    batched = [name for name in ("x", "values", "patches", "indices") if name in works]
    one, none = shape_of(operation, works), shape_of(operation, works | {name: works[name][:0] for name in batched})
    for full, empty in zip(jax.tree.leaves(one), jax.tree.leaves(none), strict=True):
        assert (empty.shape, empty.dtype) == ((0, *full.shape[1:]), full.dtype)


def test_two_wrong_arguments():
    draw = random.Random(0)
    for _ in range(150):
        operation = draw.choice([*CALLS])
        names = draw.sample([*inspect.signature(operation).parameters], min(2, len(CALLS[operation])))
        check(operation, CALLS[operation] | {name: draw.choice(WRONG) for name in names})
