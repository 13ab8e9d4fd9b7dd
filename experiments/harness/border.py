"""What the pixels at an image's border contribute: windows that see them, gradients, and accuracy without them."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped
from numpy.typing import NDArray

from jaxcnn import geometry
from jaxcnn.data import Dataset
from jaxcnn.geometry import Padding
from jaxcnn.models.stages import chain, dense, flat_features
from jaxcnn.nn import Conv, Flatten


class TwoConvs(nnx.Module):
    """Conv 10 3×3, Conv 20 3×3, both relu with the same padding and stride, Flatten, Dense."""

    def __init__(
        self, input_shape: tuple[int, ...], num_classes: int, *, padding: Padding, strides: int, rngs: nnx.Rngs
    ):
        self.conv1 = Conv(input_shape[-1], 10, 3, padding=padding, strides=strides, rngs=rngs)
        self.conv2 = Conv(10, 20, 3, padding=padding, strides=strides, rngs=rngs)
        self.flatten = Flatten()
        self.dense = dense(flat_features(input_shape, self.conv1, self.conv2), num_classes, rngs)

    def __call__(self, x: Shaped[ArrayLike, "batch height width channels"]) -> Shaped[Array, "batch classes"]:
        """Images to logits."""
        return chain(x, self.conv1, nnx.relu, self.conv2, nnx.relu, self.flatten, self.dense)


def windows_of(size: int, window: int, *, stride: int, padding: Padding) -> NDArray:
    """How many windows see each pixel of a row of `size`."""
    (low, high), *_ = geometry.padding_pairs(padding, (size,), (window,), strides=(stride,), dilation=(1,))
    (cells,) = geometry.conv_output_shape((size,), (window,), strides=stride, padding=padding)
    seen = np.zeros(low + size + high, int)
    for cell in range(cells):
        seen[cell * stride : cell * stride + window] += 1
    return seen[low : low + size]


def rings(height: int, width: int) -> NDArray:
    """Each pixel's distance from the nearest border, 1 for those at it."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1 for n in (height, width))
    return np.minimum(rows[:, None], columns[None])


def erased(dataset: Dataset, width: int) -> Dataset:
    """The set with the outermost `width` pixels black."""
    kept = rings(*dataset.images.shape[1:3]) > width
    images = dataset.images * kept[None, :, :, None].astype(dataset.images.dtype)
    return Dataset(images, dataset.labels, dataset.class_names, dataset.name, dataset.source)


def gradient_by_ring(model: nnx.Module, dataset: Dataset, most: int = 500) -> list[float]:
    """Mean |d logit of the true class / d pixel| at each distance from the border, in units of the mean of all pixels.

    Source: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks" (2014).
    """
    some = dataset.images[:most], dataset.labels[:most]
    size = np.abs(input_gradients(model, *some)).mean(axis=(0, 3))
    distance = rings(*size.shape)
    mean = size.mean() or 1.0
    return [float(size[distance == d].mean() / mean) for d in range(1, int(distance.max()) + 1)]


def input_gradients(model: nnx.Module, images: NDArray, labels: NDArray) -> NDArray:
    """d logit of each image's class / d pixel, for uint8 images or floats in [0, 1]."""
    copy = nnx.clone(model)
    copy.eval()  # dropout would hide pixels at random
    graph, state = nnx.split(copy)
    scaled = np.float32(images) / 255 if images.dtype == np.uint8 else images
    return np.asarray(_gradients(graph, state, scaled, labels))


@functools.partial(jax.jit, static_argnums=0)  # one program for all models of one structure
def _gradients(graph: Any, state: Any, images: Any, labels: Any) -> Array:
    def summed(x: Array) -> Array:
        return jnp.take_along_axis(nnx.merge(graph, state)(x), labels[:, None], axis=1).sum()

    return jax.grad(summed)(images)
