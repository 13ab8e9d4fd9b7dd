"""Reads the golden cases of a test module's LIBRARY, and holds a function of ours against them."""

import json
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

OPTIONS = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Golden(NamedTuple):
    """What a library was called with, and what it returned."""

    operation: str
    options: dict[str, Any]
    inputs: list[str]
    arrays: dict[str, np.ndarray]

    def check(self, function):
        """`function(*inputs, **options)`, jitted, has the library's values and gradients, and indices if it has any."""
        indexed = "indices" in self.arrays and "indices" not in self.inputs
        inputs = [jnp.asarray(self.arrays[name]) for name in self.inputs]
        operation = lambda *inputs: function(*inputs, **self.options)  # noqa: E731

        def run(cotangent, *inputs):
            y, back, *indices = jax.vjp(operation, *inputs, has_aux=indexed)
            return y, back(cotangent), indices

        y, gradients, indices = jax.jit(run)(self.arrays["cotangent"], *inputs)
        np.testing.assert_allclose(y, self.arrays["y"], rtol=1e-5, atol=1e-5)
        for name, gradient in zip(self.inputs, gradients, strict=True):
            if f"d_{name}" in self.arrays:  # Integers have none.
                np.testing.assert_allclose(gradient, self.arrays[f"d_{name}"], rtol=1e-5, atol=1e-4, err_msg=name)
        for index in indices:
            np.testing.assert_array_equal(index, self.arrays["indices"])


def read(library):
    """Every case of `LIBRARY.npz`; how they lie in it is told in `store.py`."""
    with np.load(pathlib.Path(__file__).parent / f"{library}.npz", allow_pickle=False) as file:
        cases, values = json.loads(str(file["cases"])), iter(file["values"])
    for case in cases:
        arrays = {
            name: np.fromiter(values, np.float32, int(np.prod(shape))).reshape(shape)
            for name, shape in case.pop("shapes").items()
        }
        yield Golden(**case, arrays=arrays)


def pytest_generate_tests(metafunc):
    if "golden" in metafunc.fixturenames:
        cases = list(read(metafunc.module.LIBRARY))
        metafunc.parametrize("golden", cases, ids=[f"{number}-{case.operation}" for number, case in enumerate(cases)])
