"""The layers of the models by hand, equal results of all candidates, and constants left as they were."""

import jax
import numpy as np
import pytest

from experiments.bench.tune import SLICED, Layer, arrays, layers_of, measure, passes, slices_of
from jaxcnn.lowering import select

LAYER = Layer((2, 6, 7, 2), (3, 3, 2, 4), ((1, 1), (0, 0)))


def test_layers_of_a_model():
    first, second = layers_of(["lenet5"], 8)
    assert first == Layer((8, 28, 28, 1), (5, 5, 1, 6), ((2, 2), (2, 2)))
    assert second == Layer((8, 14, 14, 6), (5, 5, 6, 16), ((0, 0), (0, 0)))
    assert (first.out, second.out) == ((8, 28, 28, 6), (8, 10, 10, 16))
    assert "gradient to the input" not in passes(first)


@pytest.mark.parametrize("name", ["forward", "gradient to the input", "gradient to the kernel"])
def test_every_candidate_computes_the_same(name):
    left, right, candidates = passes(LAYER)[name]
    x, y = arrays(left, right)
    results = []
    for candidate in candidates:
        with slices_of(candidate):
            results.append(np.asarray(jax.jit(candidate.call)(x, y)))
    for user in ("training", "others"):
        assert sum(candidate.chosen in (user, "both") for candidate in candidates) == 1
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-4, atol=1e-4)


def test_measuring_leaves_the_constants_alone():
    own = {name: getattr(*place) for name, place in SLICED.items()}
    left, right, candidates = passes(LAYER)["forward"]
    lines = measure(candidates[:3], *arrays(left, right), seconds=0.01)
    assert [line["ms"] for line in lines] == sorted(line["ms"] for line in lines)
    assert {name: getattr(*place) for name, place in SLICED.items()} == own
    assert select.RULES
