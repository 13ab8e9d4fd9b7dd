"""`training.fit` and `training.evaluate` on a job's images, as an experiment does it."""

import json
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.harness.compilation_cache import keep_programs
from jaxcnn import models
from jaxcnn.training import Examples, evaluate, fit


def main(job: dict[str, Any]) -> None:
    """Train, test, print."""
    keep_programs()
    x, y, tx, ty = (np.load(Path(job["folder"]) / f"{name}.npy") for name in ("x", "y", "tx", "ty"))
    model = models.create(
        job["model"], input_shape=job["image"], num_classes=job["classes"], rngs=nnx.Rngs(0), **job["options"]
    )
    optimizer = optax.rmsprop(1e-3, decay=0.9, eps=1e-7)
    train = Examples(x, y)
    fit(model, train, epochs=job["epochs"], batch_size=job["batch"], optimizer=optimizer, progress=False)
    tested = evaluate(model, Examples(jnp.asarray(tx), jnp.asarray(ty)))
    print(json.dumps({"test_accuracy": tested["accuracy"]}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
