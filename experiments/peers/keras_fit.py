"""Keras's `compile`, `fit` and `evaluate` on a job's images, with its defaults."""

import json
import sys
from pathlib import Path
from typing import Any

from experiments.peers.keras_worker import keras, model_of, np


def main(job: dict[str, Any]) -> None:
    """Train, test, print."""
    x, y, tx, ty = (np.load(Path(job["folder"]) / f"{name}.npy") for name in ("x", "y", "tx", "ty"))
    model = model_of(job)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.RMSprop(1e-3), loss, metrics=["accuracy"])
    model.fit(x.astype("float32") / 255, y, epochs=job["epochs"], batch_size=job["batch"], verbose=0)
    _, accuracy = model.evaluate(tx.astype("float32") / 255, ty, batch_size=256, verbose=0)
    print(json.dumps({"test_accuracy": float(accuracy)}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
