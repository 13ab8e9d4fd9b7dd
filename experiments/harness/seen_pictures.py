"""The pictures of `experiments.feature_maps`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from flax import nnx
from numpy.typing import NDArray

from experiments.harness.border import input_gradients
from experiments.harness.results import write_picture
from experiments.harness.seen import MOST_IMAGES, feature_maps, fields_of, kernels, patch, scaled, strongest
from jaxcnn.data import Dataset
from jaxcnn.visualization import Picture, Section
from jaxcnn.visualization.maps import MapRow, maps

MOST_FILTERS, MOST_CHANNELS, MOST_PATCHES = 16, 3, 8
Models = Mapping[str, nnx.Module]  # "before training", and "after training" where there was any


def filters_section(folder: Path, models: Models) -> Section:
    """The weights of each convolution, channel by channel."""
    pictures = [_filters(folder, models, layer) for layer in kernels(models["before training"])]
    told = "Red weighs a pixel positively, blue negatively; a row has one scale. Glorot uniform noise comes first."
    return Section("Filters", [told, *pictures])


def _filters(folder: Path, models: Models, layer: str) -> Picture:
    rows, filters = [], 0
    for when, model in models.items():
        kernel = kernels(model)[layer]
        channels, filters = kernel.shape[2:]
        for channel in range(min(channels, MOST_CHANNELS)):
            label = f"{when}, channel {channel + 1} of {channels}" if channels > 1 else when
            shown = [kernel[..., channel, number] for number in range(min(filters, MOST_FILTERS))]
            rows.append(MapRow(label, shown, signed=True, unit="weight"))
    title = f"{layer}: {min(filters, MOST_FILTERS)} of {filters} filters"
    alt = f"The weights of the filters of {layer}, {' and '.join(models)}."
    return write_picture(folder, f"filters_{layer}", maps(rows, title=title), alt)


def maps_section(folder: Path, models: Models, test: Dataset, chosen: Sequence[int]) -> Section:
    """What each layer makes of the chosen images."""
    told = (
        "Convolutions are shown before their activation, pools after it. Every filter makes one feature map; red is "
        "where the filter found what it looks for."
    )
    return Section("Feature maps", [told, *(_maps(folder, models, test, index) for index in chosen)])


def _maps(folder: Path, models: Models, test: Dataset, index: int) -> Picture:
    image, name = test.images[index : index + 1], test.class_names[test.labels[index]]
    rows = [MapRow("image", [grey(scaled(image)[0])], unit="pixel")]
    for when, model in models.items():
        for layer, output in feature_maps(model, image).items():
            shown = [output[0, ..., number] for number in range(min(output.shape[-1], MOST_FILTERS))]
            label = f"{layer}, {when}\n{len(shown)} of {output.shape[-1]} maps {output.shape[1]}×{output.shape[2]}"
            rows.append(MapRow(label, shown, signed=True, unit="output"))
    figure = maps(rows, title=f"Test image {index}, of class {name}: the feature maps of every layer")
    alt = f"The feature maps of every layer for test image {index}, of class {name}."
    return write_picture(folder, f"maps_{index}", figure, alt)


def grey(image: NDArray) -> NDArray:
    """An image in [0, 1] as it is drawn: one channel without its axis."""
    return image[..., 0] if image.shape[2] == 1 else image


def excited_section(folder: Path, model: nnx.Module, test: Dataset) -> Section:
    """For each filter the patches of test images with its largest outputs."""
    images, size = test.images[:MOST_IMAGES], test.images.shape[1]
    outputs, fields = feature_maps(model, images), fields_of(model, size)
    pictures = []
    for layer in kernels(model):
        filters = range(min(outputs[layer].shape[-1], MOST_FILTERS))
        found = strongest(outputs[layer], filters, MOST_PATCHES)
        rows = [
            MapRow(
                f"filter {number + 1}",
                [patch(scaled(images[i]), fields[layer], row, column) for i, row, column in cells],
                [f"{outputs[layer][i, row, column, number]:.2f}" for i, row, column in cells],
            )
            for number, cells in zip(filters, found, strict=True)
        ]
        pixels = fields[layer].size
        title = f"{layer}: the {pixels}×{pixels} pixels that excite each filter most, and its output there"
        alt = f"For each filter of {layer} the patches of test images with its largest outputs."
        pictures.append(write_picture(folder, f"excites_{layer}", maps(rows, title=title), alt))
    told = f"Searched in {len(images):,} test images, one patch an image; the image's outside is black."
    return Section("What excites each filter most", [told, *pictures])


def saliency_section(folder: Path, models: Models, test: Dataset, chosen: Sequence[int]) -> Section:
    """How much the logit of each chosen image's class depends on each pixel."""
    index = list(chosen)
    images, labels = test.images[index], test.labels[index]
    names = [f"image {i}, class {test.class_names[label]}" for i, label in zip(index, labels, strict=True)]
    rows = [MapRow("image", [grey(image) for image in scaled(images)], names, unit="pixel")]
    for when, model in models.items():
        found = saliency(input_gradients(model, images, labels))
        rows.append(MapRow(f"saliency, {when}", list(found), unit="|gradient|"))
    alt = "Images and, below them, the pixels that their class hangs on."
    picture = write_picture(
        folder, "saliency", maps(rows, title="Class saliency: |d logit of the class / d pixel|"), alt
    )
    return Section("Class saliency", [picture])


def saliency(gradients: NDArray) -> NDArray:
    """(n, height, width): the largest |gradient| of a pixel's channels. Source: Simonyan and others (2014)."""
    return np.abs(gradients).max(axis=3)
