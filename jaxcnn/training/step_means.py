"""Metrics of the steps between two looks at a run."""

import jax

from jaxcnn.training.metrics import Metrics
from jaxcnn.training.run import Run


def is_due(run: Run, every: int | None) -> bool:
    """Whether the run stands at a multiple of `every` steps."""
    return every is not None and run.step % every == 0


def means_since(run: Run, name: str) -> dict[str, float]:
    """Loss and accuracy of the epoch's steps since the last call under this name; waits for the device.

    The sums of that call stay in the run's notes, so that a resumed run counts on from them.
    """
    loss, correct, examples = _sums(run.sums)
    before = run.notes.get(name, {})
    earlier = before["sums"] if before.get("epoch") == run.epoch else (0.0, 0, 0)
    run.notes[name] = {"epoch": run.epoch, "sums": [loss, correct, examples]}
    seen = examples - earlier[2]
    return {"loss": (loss - earlier[0]) / seen, "accuracy": (correct - earlier[1]) / seen}


def _sums(sums: Metrics) -> tuple[float, int, int]:
    loss, correct, examples, _ = jax.device_get(sums)
    return float(loss), int(correct), int(examples)
