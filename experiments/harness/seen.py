"""What a network sees: its filters, its feature maps, and the patches of images that excite a filter most."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from jaxcnn import geometry
from jaxcnn.nn import AvgPool, Conv, MaxPool, MinPool

MOST_IMAGES = 1000  # among which the patches are searched
_WINDOWED = (Conv, MaxPool, AvgPool, MinPool)


class Recorder(nnx.Module):
    """A layer that keeps its last output."""

    def __init__(self, layer: nnx.Module):
        self.layer = layer

    def __call__(self, x: Any) -> Any:
        y = self.layer(x)  # type: ignore[operator]
        self.output = nnx.Intermediate(y)
        return y


class Field(NamedTuple):
    """The pixels that a cell of a feature map sees along one direction: `size` of them from `start + step · cell`."""

    start: int
    step: int
    size: int


def layers_of(model: nnx.Module) -> dict[str, Any]:
    """Name -> layer, of a lecture model's convolutions and pools in the order of their calls: conv1, pool1, conv2, …"""
    named = {name: layer for name, layer in vars(model).items() if isinstance(layer, _WINDOWED)}
    return {name: named[name] for name in sorted(named, key=lambda name: (name[-1], name))}


def scaled(images: NDArray) -> NDArray:
    """Pixels in [0, 1], as training scales them."""
    return np.asarray(images, np.float32) / 255 if images.dtype == np.uint8 else images


def feature_maps(model: nnx.Module, images: NDArray) -> dict[str, NDArray]:
    """Layer -> its output (n, height, width, channels), for convolutions before their activation."""
    copy = nnx.clone(model)
    for name, layer in layers_of(copy).items():
        setattr(copy, name, Recorder(layer))
    copy.eval()
    copy(jnp.asarray(scaled(images)))  # type: ignore[operator]
    return {name: np.asarray(getattr(copy, name).output[...]) for name in layers_of(model)}


def fields_of(model: nnx.Module, size: int) -> dict[str, Field]:
    """Layer -> what a cell of its output sees of an image of `size` pixels.

    Source: Araujo, Norris, Sim, "Computing receptive fields of convolutional neural networks", Distill (2019).
    """
    found, here = {}, Field(0, 1, 1)
    for name, layer in layers_of(model).items():
        window = (layer.kernel_size if isinstance(layer, Conv) else layer.window)[0]
        stride = geometry.as_sizes("strides", layer.strides if layer.strides is not None else window, 2)[0]
        pads = geometry.padding_pairs(layer.padding, (size,) * 2, (window,) * 2, strides=(stride,) * 2, dilation=(1, 1))
        low, high = pads[0]
        here = Field(here.start - low * here.step, here.step * stride, here.size + (window - 1) * here.step)
        size = (size + low + high - window) // stride + 1
        found[name] = here
    return found


def strongest(maps: NDArray, filters: Sequence[int], most: int) -> list[list[tuple[int, int, int]]]:
    """For each filter (image, row, column) of its largest outputs, one an image, the largest first."""
    found = []
    for number in filters:
        one = maps[..., number].reshape(len(maps), -1)
        images = np.argsort(-one.max(axis=1), kind="stable")[:most]
        cells = [np.unravel_index(int(one[i].argmax()), maps.shape[1:3]) for i in images]
        found.append([(int(i), int(row), int(column)) for i, (row, column) in zip(images, cells, strict=True)])
    return found


def patch(image: NDArray, field: Field, row: int, column: int) -> NDArray:
    """What a cell sees of an image (height, width, channels) in [0, 1]; black outside."""
    around = [(field.size, field.size)] * 2
    padded = np.pad(image, [*around, (0, 0)])
    top, left = (field.start + field.step * cell + field.size for cell in (row, column))
    seen = padded[top : top + field.size, left : left + field.size]
    return seen[..., 0] if seen.shape[2] == 1 else seen


def kernels(model: nnx.Module) -> dict[str, NDArray]:
    """Convolution -> its kernel (rows, columns, channels, filters)."""
    return {name: np.asarray(layer.kernel[...]) for name, layer in layers_of(model).items() if isinstance(layer, Conv)}


def erase_most_salient(images: NDArray, saliency: NDArray, share: float) -> NDArray:
    """The images, in [0, 1], with the `share` of pixels of the largest saliency (n, height, width) inverted."""
    flat = saliency.reshape(len(saliency), -1)
    most = max(1, round(share * flat.shape[1]))
    chosen = np.zeros(flat.shape, bool)
    np.put_along_axis(chosen, np.argsort(-flat, axis=1, kind="stable")[:, :most], True, axis=1)
    return np.where(chosen.reshape(saliency.shape)[..., None], 1 - images, images)
