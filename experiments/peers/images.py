"""Synthetic images and labels, the same for every contender, and the same steps through them."""

import random
from array import array
from collections.abc import Iterator

EXAMPLES = 8192
_BLOCK = 2**26  # bytes asked for at once: Python counts their bits in 32


def image_bytes(count: int) -> bytes:
    """`count` random bytes, the same every time."""
    source = random.Random(0)
    blocks = [source.randbytes(min(_BLOCK, count - start)) for start in range(0, count, _BLOCK)]
    return b"".join(blocks)


def labels(count: int, classes: int) -> array:
    """`count` labels."""
    return array("i", [value % classes for value in random.Random(1).randbytes(count)])


def examples_for(batch: int) -> int:
    """How many images are resident: `EXAMPLES`, or more where a batch needs more; always whole batches."""
    return max(1, EXAMPLES // batch) * batch


def offsets(steps: int, batch: int) -> Iterator[int]:
    """Where the batches of `steps` steps begin; after the last image comes the first."""
    return (step * batch % examples_for(batch) for step in range(steps))
