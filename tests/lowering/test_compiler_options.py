"""Programs that run a few times only: compiled with less care, to the same values."""

import jax
import numpy as np
import pytest

from jaxcnn.lowering import compiler_options
from jaxcnn.lowering.compiler_options import for_few_runs


@pytest.fixture(autouse=True)
def asked_anew():
    for_few_runs.cache_clear()
    yield
    for_few_runs.cache_clear()


def test_shuffles_and_initial_values_are_the_same():
    def drawn(key):
        return jax.random.permutation(key, 100), jax.random.normal(key, (50,))

    key = jax.random.key(0)
    soon, plain = jax.jit(drawn, compiler_options=for_few_runs())(key), jax.jit(drawn)(key)
    for a, b in zip(soon, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_backends_compile_as_ever(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert for_few_runs() == {}


def test_a_compiler_that_does_not_know_the_options_is_not_given_them(monkeypatch):
    monkeypatch.setattr(compiler_options, "_SOON", {"xla_cpu_no_such_option": True})
    assert for_few_runs() == {}
