"""What a trained net makes of shifted images: its accuracy, and how many of its answers stay as they were."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from jaxcnn.data import Dataset
from jaxcnn.data.augment import shift
from jaxcnn.training import predict

PIXELS = (0, 1, 2, 3, 4)
DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
LOOKED_AT = 250  # test images


class Shifted(NamedTuple):
    """Means over the four directions, one for each of `PIXELS`.

    Attributes:
      accuracy: the share of images recognised.
      agreement: the share of images that get the answer they get unshifted; 1 for no shift.
    """

    accuracy: list[float]
    agreement: list[float]

    def row(self) -> dict[str, Any]:
        """For `result.json`; "agreement" alone is the mean over the shifts."""
        moved = self.agreement[1:]
        return {
            "shift_accuracy": self.accuracy,
            "shift_agreement": self.agreement,
            "agreement": sum(moved) / len(moved),
            "agreement_by_one": moved[0],
        }


def measure_shifts(models: Mapping[int, nnx.Module], test: Dataset) -> dict[int, Shifted]:
    """Seed -> what its model makes of the first test images, shifted; nothing for none."""
    if not models:
        return {}
    some = first_images(test)
    moved = shifted_images(some.images)
    return {seed: shifted_answers(answers(model, moved), some.labels) for seed, model in models.items()}


def first_images(test: Dataset) -> Dataset:
    """At most `LOOKED_AT` of them."""
    return dataclasses.replace(test, images=test.images[:LOOKED_AT], labels=test.labels[:LOOKED_AT])


def shifted_images(images: NDArray) -> NDArray:
    """(shifts and directions, n, h, w, c): unshifted, then each direction by 1, 2, … pixels; zeros come in."""
    moves = [(0, 0), *((pixels * down, pixels * right) for pixels in PIXELS[1:] for down, right in DIRECTIONS.values())]
    move = jax.jit(shift)
    return np.stack([np.asarray(move(images, np.tile(np.array(at, np.int32), (len(images), 1)))) for at in moves])


def answers(model: nnx.Module, images: NDArray) -> NDArray:
    """The most probable class of every image, in the shape that the images stand in."""
    flat = images.reshape(-1, *images.shape[-3:])
    return np.asarray(predict(model, flat, batch_size=LOOKED_AT)).argmax(1).reshape(images.shape[:-3])


def shifted_answers(classes: NDArray, labels: NDArray) -> Shifted:
    """What follows from the answers (shifts and directions, n), as `shifted_images` orders them."""
    right, same = (classes == labels).mean(1), (classes == classes[0]).mean(1)
    return Shifted(
        *([float(share[0]), *share[1:].reshape(-1, len(DIRECTIONS)).mean(1).tolist()] for share in (right, same))
    )
