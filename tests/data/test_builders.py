"""What is written for TFDS is read back the same, by TFDS's own reader."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxcnn.data import Dataset, builders
from jaxcnn.data.prepared import quiet
from jaxcnn.data.published import PUBLISHED


def coloured(count: int, size: int = 4) -> Dataset:
    images = np.random.default_rng(count).integers(0, 256, (count, size, 3, 3), dtype=np.uint8)
    return Dataset(images, np.arange(count) % 2, ("a", "b"), "coloured", "full")


def test_tfds_reads_back_what_was_written(tmp_path):
    counted, train = [], coloured(6)
    splits = {"train": train, "test": coloured(2)}
    folder = builders.write_set(tmp_path, PUBLISHED["mnist"], splits, "here", lambda: counted.append(1))
    with quiet():
        builder = tfds.builder_from_directory(folder)
        examples = list(builder.as_data_source("train"))
    np.testing.assert_array_equal([example["image"] for example in examples], train.images)
    np.testing.assert_array_equal([example["label"] for example in examples], train.labels)
    assert builder.info.features["label"].names == ["a", "b"]
    assert builder.info.metadata == {"origin": "here"}
    assert len(counted) == 8


def test_nothing_is_printed(tmp_path, capfd):
    builders.write_set(tmp_path, PUBLISHED["mnist"], {"train": coloured(2)}, "here", lambda: None)
    assert capfd.readouterr() == ("", "")


def test_splits_of_two_sizes(tmp_path):
    splits = {"train": coloured(2), "test": coloured(2, size=5)}
    with pytest.raises(ValueError, match="images of one size, got"):
        builders.write_set(tmp_path, PUBLISHED["mnist"], splits, "here", lambda: None)


def test_fewer_images_than_written_are_noticed(tmp_path, monkeypatch):
    examples = builders._examples
    monkeypatch.setattr(builders, "_examples", lambda *given: list(examples(*given))[:1])
    with pytest.raises(OSError, match="must hold 2 images of train, got 1 after writing"):
        builders.write_set(tmp_path, PUBLISHED["mnist"], {"train": coloured(2)}, "here", lambda: None)
