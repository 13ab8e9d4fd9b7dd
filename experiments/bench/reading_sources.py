"""The images that the bench of reading reads: in memory, as a prepared set and as a folder of files."""

import dataclasses
from pathlib import Path
from typing import Any

from PIL import Image

from jaxcnn.data import Dataset, load
from jaxcnn.data.builders import write_set
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.prepared_source import prepared_source
from jaxcnn.data.published import PUBLISHED


def sample(count: int) -> Dataset:
    """The first images of MNIST's shipped sample, again from the front where it has fewer."""
    whole = load("mnist")
    at = [i % len(whole) for i in range(count)]
    return dataclasses.replace(whole, images=whole.images[at], labels=whole.labels[at])


def write_sources(folder: Path, dataset: Dataset) -> dict[str, Any]:
    """The same images in memory, as array_record files and as PNGs."""
    for index, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        path = folder / "pngs" / dataset.class_names[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    prepared = write_set(folder / "prepared", PUBLISHED["mnist"], {"train": dataset}, "the sample", lambda: None)
    return {
        "memory": dataset,
        "array_record": prepared_source(prepared, "train"),
        "PNGs": folder_source(folder / "pngs"),
    }
