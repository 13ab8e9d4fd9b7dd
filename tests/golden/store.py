"""Golden cases on disk: what another library returned, in one `.npz` that NumPy reads without pickle.

Its entry `cases` is a JSON list of {"operation", "options", "inputs", "shapes"}, in the library's own words; `values`
holds the arrays of all cases one after the other, in the order of their `shapes`: the inputs, `y`, the `cotangent` that
`y` was weighed with, and the gradients `d_INPUT`. `versions` is a JSON object. Stored in float32, though computed in
float64 wherever the library does.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent


class Store:
    """Cases gathered in memory, written at the end."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.cases, self.values = [], []

    def eighths(self, *shape):
        """Random multiples of 1/8, which float32 holds exactly and which compress well."""
        return self.rng.integers(-12, 13, shape) / 8.0

    def distinct(self, *shape):
        """Values that differ from one another: a maximum among them is no tie."""
        count = int(np.prod(shape))
        return (self.rng.permutation(count).reshape(shape) - count // 2) / 16.0

    def add(self, operation, options, inputs, outputs):
        """Keep one case: arrays by name, what went in and what came out."""
        arrays = {name: np.asarray(array) for name, array in {**inputs, **outputs}.items()}
        shapes = {name: array.shape for name, array in arrays.items()}
        case = {"operation": operation, "options": options, "inputs": list(inputs), "shapes": shapes}
        self.cases.append(case)
        self.values += [array.astype(np.float32).ravel() for array in arrays.values()]

    def write(self, library, versions):
        """Write `LIBRARY.npz` beside this file."""
        path = HERE / f"{library}.npz"
        words = {"cases": json.dumps(self.cases), "versions": json.dumps(versions)}
        np.savez_compressed(path, **words, values=np.concatenate(self.values))
        print(f"{len(self.cases)} cases, {path.stat().st_size} bytes, {versions}")
