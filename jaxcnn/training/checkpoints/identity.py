"""What a run that goes on must share with the one that was saved, and what it was saved with."""

import dataclasses
import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version

import jax
import numpy as np

import jaxcnn
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.run import Run

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def identity_of(
    run: Run, train: LabeledImages, validation: LabeledImages | None, options: Mapping[str, object]
) -> dict[str, str]:
    """In words, by name: the caller's own options, those of a step, batch size, seed, and fingerprints of the sets."""
    given = {**options, **dataclasses.asdict(run.state.options), "batch_size": run.plan.batch_size, "seed": run.seed}
    sets = {"training set": train, "validation set": validation}
    return {name: str(value) for name, value in given.items()} | {name: _fingerprint(s) for name, s in sets.items()}


def versions() -> dict[str, str]:
    """Of the packages, Python, the platform and the device: where they are the same, so are the results."""
    device = jax.devices()[0]
    return {
        "jaxcnn": jaxcnn.__version__,
        **{package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": f"{device.device_kind} ({device.platform})",
    }


def differences(saved: Mapping[str, str], mine: Mapping[str, str]) -> list[str]:
    """A few words for each entry that differs."""
    return [
        f"{name} was {saved.get(name, 'not given')} and is {mine.get(name, 'not given')}"
        for name in {**mine, **saved}
        if saved.get(name) != mine.get(name)
    ]


def _fingerprint(dataset: LabeledImages | None) -> str:
    """How many images, and the first digits of the SHA-256 of all of them and their labels."""
    if dataset is None:
        return "none"
    digest, labels = hashlib.sha256(), np.asarray(dataset.labels, np.int64)
    for array in map(np.ascontiguousarray, (np.asarray(dataset.images), labels)):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return f"{len(labels):,} images {digest.hexdigest()[:16]}"
