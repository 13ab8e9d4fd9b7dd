"""What a run that goes on must share with the one that was saved, and what it was saved with."""

import dataclasses
import functools
import hashlib
import inspect
import platform
from collections.abc import Mapping
from importlib.metadata import version

import jax
import numpy as np

import jaxcnn
from jaxcnn.training.examples import LabeledImages
from jaxcnn.training.run import Run
from jaxcnn.training.stream_call import ResumableStream

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def identity_of(
    run: Run,
    train: LabeledImages | ResumableStream,
    validation: LabeledImages | None,
    options: Mapping[str, object],
) -> dict[str, str]:
    """In words, by name: the caller's own options, those of a step, batch size, seed, and fingerprints of the sets."""
    given = {**options, **dataclasses.asdict(run.state.options), "batch_size": run.plan.batch_size, "seed": run.seed}
    given |= _facts(train) if isinstance(train, ResumableStream) else {"training set": _fingerprint(train)}
    return {name: in_words(value) for name, value in given.items()} | {"validation set": _fingerprint(validation)}


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


def in_words(value: object) -> str:
    """The value as text; a function by its name and what it was made with, which is the same in another process."""
    return _of_function(value) if callable(value) else str(value)


def _of_function(function: object) -> str:
    if isinstance(function, functools.partial):
        given = [*map(_held, function.args), *(f"{name}={_held(each)}" for name, each in function.keywords.items())]
        return f"{_of_function(function.func)}({', '.join(given)})"
    plain = inspect.unwrap(function) if inspect.isfunction(function) else function
    held = [_held(cell.cell_contents) for cell in getattr(plain, "__closure__", None) or ()]
    return getattr(plain, "__qualname__", type(plain).__qualname__) + f" of {', '.join(held)}" * bool(held)


def _held(value: object) -> str:
    """What a function holds on to; of other objects the type alone, as their text may name an address."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_held, value))})"
    if isinstance(value, str | bool | int | float | None):
        return repr(value)
    return _of_function(value) if callable(value) else type(value).__qualname__


def _facts(stream: ResumableStream) -> dict[str, int | str]:
    """What a stream is, wherever it stands: its source, seed and so on."""
    return {f"stream's {name}": value for name, value in stream.state().items() if name != "position"}


def _fingerprint(dataset: LabeledImages | None) -> str:
    """How many images, and the first digits of the SHA-256 of all of them and their labels."""
    if dataset is None:
        return "none"
    digest, labels = hashlib.sha256(), np.asarray(dataset.labels, np.int64)
    for array in map(np.ascontiguousarray, (np.asarray(dataset.images), labels)):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return f"{len(labels):,} images {digest.hexdigest()[:16]}"
