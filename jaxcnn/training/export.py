"""Models as programs: StableHLO by `jax.export`, which runs where JAX is and this package isn't."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from jaxcnn.files import write_atomically
from jaxcnn.training import checks
from jaxcnn.training.steps import predict_step

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
_FRAMES = "jax_traceback_in_locations_limit"
_one_at_a_time = threading.Lock()


def export(
    model: nnx.Module,
    path: str | os.PathLike[str],
    *,
    input_shape: Sequence[int],
    dtype: DTypeLike = np.uint8,
    batch_size: int | None = None,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
) -> Path:
    """Writes `predict` of a finished model to one file: images in, class probabilities out, the weights inside.

    `jax.export.deserialize(content).call(images)` runs it with JAX alone, without jaxcnn and Flax, on each of the
    platforms. The model is exported in evaluation mode: running BatchNorm statistics, no dropout. The program calls no
    library of this package or machine; probabilities are those of `predict`, to rounding. JAX promises to run
    such files with releases up to six months newer, and they hold no checksum: keep the file of `save` as well.

    Args:
      model: an NNX module that maps images to logits (n, num_classes).
      path: the file to write; its folder exists. Written under another name first, then renamed.
      input_shape: (height, width, channels) of one image, in pixels.
      dtype: of the images: uint8 in 0..255, which the program scales to [0, 1], or floats, used as they are.
      batch_size: images a call; None exports one program for every number of them.
      platforms: where it shall run, of "cpu", "cuda", "rocm" and "tpu".

    Returns:
      `path` as a `Path`.

    Raises:
      TypeError: the model is no NNX module, `batch_size` no integer, or `dtype` none.
      ValueError: shape, dtype or platforms are not allowed, the model doesn't take such images, or it can't be
        exported without a `batch_size`.
      OSError: the file can't be written; an earlier one is unchanged.
    """
    checks.check_model(model)
    shape, kind, places = _check_shape(input_shape), _check_dtype(dtype), _check_platforms(platforms)
    size = None if batch_size is None else checks.check_integer("batch_size", batch_size, minimum=1)
    checks.count_classes(model, np.broadcast_to(np.zeros((), kind), (1, *shape)), size or 1, training=False)
    predict = _prediction(model)
    images = jax.ShapeDtypeStruct((_any_size(predict, shape, kind) if size is None else size, *shape), kind)
    with _without_sources():
        exported = jax.export.export(jax.jit(predict), platforms=places)(images)
    return write_atomically(path, bytes(exported.serialize()))


def _prediction(model: nnx.Module) -> Callable[[Any], Any]:
    graphdef, variables = nnx.split(model)

    def predict(images: Any) -> Any:
        return predict_step(graphdef, variables, images)

    return predict


@contextlib.contextmanager
def _without_sources() -> Iterator[None]:
    """Programs lowered inside don't name the source files of this machine, a setting of the whole process."""
    with _one_at_a_time:
        frames = getattr(jax.config, _FRAMES)
        jax.config.update(_FRAMES, 0)
        try:
            yield
        finally:
            jax.config.update(_FRAMES, frames)


def _any_size(predict: Callable[[Any], Any], shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """A batch of any size of at least 1, which the model has been traced with."""
    (size,) = jax.export.symbolic_shape("batch")
    try:
        jax.eval_shape(predict, jax.ShapeDtypeStruct((size, *shape), dtype))
    except Exception as error:  # whatever the model's own code makes of a size that isn't a number
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"batch_size must be given for this model, got None, as it can't be traced for every size ({reason});"
            " pass the number of images in a call, or take sizes from x.shape and reshape with -1"
        ) from error
    return size


def _check_shape(input_shape: object) -> tuple[int, ...]:
    if not isinstance(input_shape, Sequence) or len(input_shape) != 3:
        raise ValueError(f"input_shape must be (height, width, channels) of one image, got {input_shape!r}")
    return tuple(checks.check_integer(f"input_shape[{i}]", n, minimum=1) for i, n in enumerate(input_shape))


def _check_dtype(dtype: DTypeLike) -> np.dtype:
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype must be a dtype such as np.uint8, got {dtype!r}") from error
    is_held = jax.dtypes.canonicalize_dtype(found) == found
    if found != np.uint8 and not (jnp.issubdtype(found, jnp.floating) and is_held):
        raise ValueError(
            f"dtype must be uint8, or a floating dtype (float64 under jax_enable_x64 alone), got {found};"
            " convert the images before the call"
        )
    return found


def _check_platforms(platforms: object) -> tuple[str, ...]:
    found = () if isinstance(platforms, str) or not isinstance(platforms, Sequence) else tuple(platforms)
    if not found or len(set(found)) < len(found) or not set(found) <= set(PLATFORMS):
        raise ValueError(f"platforms must be one or more different of {', '.join(PLATFORMS)}, got {platforms!r}")
    return found
