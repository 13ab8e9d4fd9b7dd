"""Images as the slides load and shape them; on the shipped samples, and in full where the full sets are."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from jaxcnn import data

FULL = Path(os.environ.get("JAXCNN_DATA_DIR", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def sample():
    return data.load("fashion_mnist")


def test_sets_are_grey_images_of_28_by_28(sample):
    assert sample.images.shape == (8_000, 28, 28, 1)
    assert sample.images[0, ..., 0].shape == sample.images[0].reshape(28, 28).shape == (28, 28)
    assert sample.labels.shape == (8_000,)
    assert len(sample.class_names) == 10
    np.testing.assert_array_equal(sample.images[..., 0].reshape(-1, 28, 28, 1), sample.images)


def test_digits_are_named_by_themselves():
    assert data.load("mnist", split="test").class_names == tuple("0123456789")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_full_sets(name):
    if not (FULL / name).is_dir():
        pytest.skip(f"needs the full {name}: name its folder by JAXCNN_DATA_DIR")
    train, test = (data.load(name, split=split, data_dir=FULL) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    rest, part = train.split(0.2, seed=42)
    assert (rest.images.shape, len(part)) == ((48_000, 28, 28, 1), 12_000)


def test_a_fifth_for_validation(sample):
    rest, part = sample.split(0.2, seed=42)
    assert (len(rest), len(part)) == (6_400, 1_600)


def test_one_hot_targets(sample):
    targets = jax.nn.one_hot(sample.labels[:50], 10)
    assert targets.shape == (50, 10)
    np.testing.assert_array_equal(targets.argmax(1), sample.labels[:50])
    np.testing.assert_array_equal(targets.sum(1), 1)


def test_a_255th_scales_and_does_not_standardise(sample):
    scaled = sample.images / 255
    assert (scaled.min(), scaled.max()) == (0, 1)
    assert 0.2 < scaled.mean() < 0.4  # standardised pixels would have mean 0
    assert 0.25 < scaled.std() < 0.45  # and deviation 1


def test_labels_are_the_names_of_folders(tmp_path):
    for letter, grey in (("A", 10), ("B", 200), ("J", 90)):
        (tmp_path / letter).mkdir()
        Image.new("L", (28, 28), grey).save(tmp_path / letter / "one.png")
    found = data.load(f"folder:{tmp_path}")
    assert (found.images.shape, found.class_names) == ((3, 28, 28, 1), ("A", "B", "J"))
    assert [found.class_names[label] for label in found.labels] == ["A", "B", "J"]


def test_pillow_reads_as_matplotlib_but_for_the_scale(tmp_path):
    plt = pytest.importorskip("matplotlib.image")
    Image.fromarray(np.arange(100, dtype=np.uint8).reshape(10, 10)).save(tmp_path / "a.png")
    np.testing.assert_allclose(plt.imread(tmp_path / "a.png") * 255, np.arange(100).reshape(10, 10), rtol=1e-6)


def test_channels_of_pillows_modes():
    assert [np.atleast_3d(np.asarray(Image.new(mode, (2, 2)))).shape[-1] for mode in ("L", "RGB", "RGBA")] == [1, 3, 4]


def test_alpha_is_opacity():
    white = Image.new("RGBA", (1, 1), (255, 255, 255, 255))
    shown = [Image.alpha_composite(white, Image.new("RGBA", (1, 1), (255, 0, 0, alpha))) for alpha in (0, 255)]
    # Were alpha brightness, 0 would be black.
    assert [picture.getpixel((0, 0)) for picture in shown] == [(255, 255, 255, 255), (255, 0, 0, 255)]
