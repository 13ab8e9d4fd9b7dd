"""Sets that others prepared by TFDS: read where they are labelled images, refused in one sentence where not."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jaxcnn import data
from jaxcnn.data import prepared

NAMES = ["<b>cat</b>", "../dog", "고양이"]


def put(root, images, labels, *, name="animals", version="1.2.0", shape=(None, None, 3), split="train", classes=NAMES):
    """Prepares a set of one split as any user of TFDS would."""
    features = {"picture": tfds.features.Image(shape=shape), "kind": tfds.features.ClassLabel(names=classes)}
    return _prepare(root, features, images, labels, name, version, split)


def _prepare(root, features, images, labels, name, version, split):
    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(version)

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features), disable_shuffling=True
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples()}

        def _generate_examples(self):
            for index, (image, label) in enumerate(zip(images, labels, strict=True)):
                given = {"picture": Image.fromarray(image.squeeze()), "kind": label}
                # Whatever else the set declares gets the image or the label again, by its type.
                more = {
                    key: given["picture" if isinstance(f, tfds.features.Image) else "kind"]
                    for key, f in features.items()
                }
                yield index, more | given

    Builder.name = name
    with prepared.quiet():
        builder = Builder(data_dir=root, file_format="array_record")
        config = tfds.download.DownloadConfig(try_download_gcs=False)
        builder.download_and_prepare(download_dir=root / "downloads", download_config=config)
    return Path(builder.data_dir)


@pytest.fixture(autouse=True)
def theirs(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "theirs"))
    return tmp_path / "theirs"


RGB = np.arange(6 * 5 * 4 * 3, dtype=np.uint16).reshape(6, 5, 4, 3).astype(np.uint8)


class TestRead:
    def test_colours_names_and_order(self, theirs):
        put(theirs, RGB, [0, 1, 2, 0, 1, 2])
        dataset = data.load("tfds:animals")
        np.testing.assert_array_equal(dataset.images, RGB)
        np.testing.assert_array_equal(dataset.labels, [0, 1, 2, 0, 1, 2])
        assert (dataset.class_names, dataset.name, dataset.source) == (tuple(NAMES), "tfds:animals", "full")
        assert "tfds:animals" in data.available()

    def test_grey_validation_in_a_folder_that_is_named(self, tmp_path):
        put(tmp_path / "named", RGB[..., :1], [0] * 6, shape=(5, 4, 1), split="validation")
        dataset = data.load("tfds:animals", split="validation", data_dir=tmp_path / "named")
        np.testing.assert_array_equal(dataset.images, RGB[..., :1])
        with pytest.raises(ValueError, match="split must be one of validation for tfds:animals, got 'train'"):
            data.load("tfds:animals", data_dir=tmp_path / "named")

    def test_newest_version_and_configs(self, theirs):
        put(theirs, RGB, [0] * 6, version="1.9.0")
        put(theirs, RGB, [1] * 6, version="1.10.0")
        folder = put(theirs, RGB, [2] * 6, name="config_a")
        folder.parent.rename(theirs / "animals" / "small")
        assert data.load("tfds:animals").labels[0] == 1
        assert data.load("tfds:animals/small").labels[0] == 2

    @pytest.mark.parametrize("name", ["../theirs", "/etc", "a/../b", "a/b/c", "..", ".hidden"])
    def test_names_are_no_paths(self, name):
        with pytest.raises(ValueError, match="tfds:NAME must be a set's name or NAME/CONFIG, got"):
            data.load(f"tfds:{name}")

    def test_absent_set_lists_what_is_there(self, theirs):
        put(theirs, RGB, [0] * 6)
        with pytest.raises(
            ValueError, match=r"tfds:cifar10 must be prepared first, got in .* only animals; prepare it"
        ):
            data.load("tfds:cifar10")


class TestRefused:
    def test_mixed_sizes_name_the_way_out(self, theirs):
        put(theirs, [RGB[0], RGB[1][:3]], [0, 1])
        with pytest.raises(ValueError, match=r"must have one size, got 2, \(3, 4, 3\) and \(5, 4, 3\) .*image_size"):
            data.load("tfds:animals")

    def test_unknown_label(self, theirs):
        put(theirs, RGB, [0, 1, -1, 0, 1, 2])
        with pytest.raises(ValueError, match=r"animals/1\.2\.0 can't be read .*: labels must lie in 0 to 2 .* got -1"):
            data.load("tfds:animals")

    def test_other_channels(self, theirs):
        put(theirs, np.dstack([RGB[0], RGB[0][..., :1]])[None], [0], shape=(None, None, 4))
        with pytest.raises(ValueError, match="must hold uint8 images of 1 or 3 channels"):
            data.load("tfds:animals")

    def test_features_that_are_no_labelled_image(self, theirs):
        image = tfds.features.Image(shape=(5, 4, 3))
        _prepare(theirs, {"picture": image, "kind": np.int64}, RGB, [0] * 6, "animals", "1.0.0", "train")
        with pytest.raises(
            ValueError, match=r"must hold one image with one class label .* got the features kind, picture"
        ):
            data.load("tfds:animals")

    @pytest.mark.parametrize("second", [tfds.features.Image(shape=(5, 4, 3)), tfds.features.ClassLabel(names=NAMES)])
    def test_several_images_or_labels_are_not_chosen_from(self, theirs, second):
        features = {"picture": tfds.features.Image(shape=(5, 4, 3)), "kind": tfds.features.ClassLabel(names=NAMES)}
        _prepare(theirs, features | {"second": second}, RGB, [0] * 6, "animals", "1.0.0", "train")
        with pytest.raises(
            ValueError, match=r"must hold one image with one class label .* got the features kind, picture, second"
        ):
            data.load("tfds:animals")

    def test_foreign_module_is_not_imported(self, theirs):
        path = put(theirs, RGB, [0] * 6) / "features.json"
        path.write_text(path.read_text().replace("tensorflow_datasets.core.features.image_feature", "antigravity"))
        with pytest.raises(ValueError, match=r"must name features of TFDS only, got 'antigravity\.Image'"):
            data.load("tfds:animals")

    def test_other_file_format(self, theirs):
        path = put(theirs, RGB, [0] * 6) / "dataset_info.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"fileFormat": "tfrecord"}))
        with pytest.raises(ValueError, match=r"must hold array_record files, got tfrecord, .* prepare it again"):
            data.load("tfds:animals")

    @pytest.mark.parametrize("keep", [0, 100, 70_000])
    def test_cut_file(self, theirs, keep):
        path = next(put(theirs, RGB, [0] * 6).glob("*array_record*"))
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(ValueError, match=r"animals/1\.2\.0 must be an intact prepared set, got: .*; remove"):
            data.load("tfds:animals")

    @pytest.mark.parametrize("file", ["features.json", "dataset_info.json"])
    def test_damaged_description(self, theirs, file):
        (put(theirs, RGB, [0] * 6) / file).write_text("{")
        with pytest.raises(ValueError, match="must be an intact prepared set"):
            data.load("tfds:animals")
