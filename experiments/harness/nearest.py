"""Whether two parts of a set are alike: copies among them, and what a nearest neighbour recognises of each."""

import math

import numpy as np
from numpy.typing import NDArray

from jaxcnn.data import Dataset

MOST = 2_000  # images of a part that look for a neighbour
AT_ONCE = 500


def copies(known: Dataset, others: Dataset) -> int:
    """How many of the other images are among the known ones, pixel by pixel."""
    seen = {image.tobytes() for image in known.images}
    return sum(image.tobytes() in seen for image in others.images)


def recognised(known: Dataset, others: Dataset) -> tuple[float, int]:
    """The fraction of the others, of 2,000 at most, whose nearest known image has their class; and how many looked.

    Source: Cover and Hart, "Nearest neighbor pattern classification" (1967).
    """
    some = others.split(MOST / len(others), seed=0)[1] if len(others) > MOST else others
    places = _flat(known)
    lengths = (places**2).sum(axis=1)
    right = 0
    for start in range(0, len(some), AT_ONCE):
        images, labels = _flat(some)[start : start + AT_ONCE], some.labels[start : start + AT_ONCE]
        # |a − b|² without |b|², which is the same for every a.
        nearest = (lengths[None] - 2 * images @ places.T).argmin(axis=1)
        right += int((known.labels[nearest] == labels).sum())
    return right / len(some), len(some)


def _flat(dataset: Dataset) -> NDArray[np.float32]:
    return dataset.images.reshape(len(dataset), -1).astype(np.float32) / np.float32(255)


def harder_sentence(known: Dataset, validation: Dataset, test: Dataset) -> str:
    """Whether validation and test images are equally hard for a nearest neighbour among the training images."""
    (kept, kept_of), (unseen, unseen_of) = recognised(known, validation), recognised(known, test)
    chance = 1.96 * math.sqrt(kept * (1 - kept) / kept_of + unseen * (1 - unseen) / unseen_of)
    verdict = "no part is harder than the other as far as so many images tell"
    if abs(kept - unseen) > chance:
        verdict = f"the {'test' if unseen < kept else 'validation'} images are the harder ones, for any net"
    return (
        f"A nearest neighbour among the training images, which learns nothing, recognises {kept:.1%} of the validation "
        f"and {unseen:.1%} of the test images (95% of differences by chance are below {chance:.1%}): {verdict}. Copies "
        f"of training images: {copies(known, validation)} for validation, {copies(known, test)} for testing."
    )
