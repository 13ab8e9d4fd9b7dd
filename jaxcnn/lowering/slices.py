"""A batch a slice at a time: temporaries that stay in the cache cost neither memory traffic nor page faults."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def mapped(form: Callable[[Any], Any], x: Any, image_bytes: Any, most_bytes: int) -> Any:
    """`form(x)`, a slice of the batch at a time where one image's temporaries of `image_bytes` allow no more."""
    images = images_of(x.shape[0], image_bytes, most_bytes)
    if images == x.shape[0]:
        return form(x)
    parts, rest = _cut(x, images)
    out = lax.map(form, parts)
    out = out.reshape(-1, *out.shape[2:])
    return jnp.concatenate([out, form(rest)]) if len(rest) else out


def summed(form: Callable[..., Any], arrays: Any, image_bytes: Any, most_bytes: int) -> Any:
    """`form(*arrays)`, a sum over their common batch, likewise."""
    images = images_of(arrays[0].shape[0], image_bytes, most_bytes)
    if images == arrays[0].shape[0]:
        return form(*arrays)
    whole = arrays[0].shape[0] // images

    def add(i: Any, total: Any) -> Any:
        # Read where they are: of arrays cut up for `lax.scan` XLA would write a second copy, and compute it twice.
        return total + form(*(lax.dynamic_slice_in_dim(array, i * images, images) for array in arrays))

    return lax.fori_loop(0, whole, add, form(*(array[whole * images :] for array in arrays)))


def images_of(batch: Any, image_bytes: Any, most_bytes: int) -> Any:
    """How many images a slice holds: as many as fit in `most_bytes`, a divisor of the batch where one is near."""
    if not (isinstance(batch, int) and isinstance(image_bytes, int)):
        return batch  # jax.export's symbolic sizes can't be counted
    fitting = min(max(1, most_bytes // max(image_bytes, 1)), batch)
    if fitting == 0:
        return 0
    divisor = next(images for images in range(fitting, 0, -1) if batch % images == 0)
    return divisor if 2 * divisor > fitting else -(-batch // -(-batch // fitting))


def _cut(array: jax.Array, images: int) -> tuple[Any, Any]:
    """(slices, images, …), and what is left over of the batch, perhaps nothing."""
    whole = len(array) // images * images
    return array[:whole].reshape(-1, images, *array.shape[1:]), array[whole:]
