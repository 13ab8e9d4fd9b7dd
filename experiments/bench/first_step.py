"""One process of `startup`: import, build a model, call `fit` on sets of MNIST's size, stop after one step.

It prints its measurements as a line of JSON: `python -m experiments.bench.first_step convnet '{"pool": "max"}'`.
Everything is imported inside the functions, because the imports are what is measured first.
"""

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from unittest.mock import patch


class FirstStepError(Exception):
    """Not an error: ends `fit` where its first step is done."""


def measure(model: str, options: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of the imports, of building the model, and from the call of `fit` to the end of the first step."""
    start = time.perf_counter()
    import optax
    from flax import nnx

    from experiments.harness.compilation_cache import keep_programs
    from jaxcnn import models, training
    from jaxcnn.training import progress

    keep_programs()
    imported = time.perf_counter()
    built = models.create(model, rngs=nnx.Rngs(0), **options)
    train, test = noise(60_000), noise(10_000)
    called = time.perf_counter()
    optimizer = optax.rmsprop(1e-3)
    # `fit` looks at a chunk's loss as soon as it is known: there the measurement ends.
    with suppress(FirstStepError), patch.object(progress.Silent, "advance", side_effect=FirstStepError):
        training.fit(
            built, train, validation=test, epochs=1, optimizer=optimizer, steps_per_execution=1, progress=False
        )
    done = time.perf_counter()
    return {"import_s": imported - start, "create_s": called - imported, "first_step_s": done - called}


def noise(count: int) -> Any:
    """Images and labels of MNIST's shapes; what they show costs no time."""
    import numpy as np

    from jaxcnn.training import Examples

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8)
    return Examples(images, rng.integers(0, 10, count, dtype=np.int32))


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))))
