"""Sets by name as streams: what `load` gives, image by image, without holding it."""

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import load, prepare, prepared
from jaxcnn.data.idx import file_names, write_idx
from jaxcnn.data.named_source import named_source
from jaxcnn.data.prepared_source import PreparedSource
from jaxcnn.data.sources import ArraySource
from jaxcnn.data.stream import stream


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "theirs"))
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)


def assert_holds(source, dataset):
    images, labels = source.read(np.arange(len(source)))
    np.testing.assert_array_equal(images, dataset.images)
    np.testing.assert_array_equal(labels, dataset.labels)
    assert source.class_names == dataset.class_names


def test_a_prepared_set(write_set, tmp_path):
    files = write_set(tmp_path / "files" / "mnist")
    for prefix in ("train", "t10k"):
        images = np.random.default_rng(len(prefix)).integers(0, 256, (20, 5, 4), dtype=np.uint8)
        write_idx(files / f"{file_names(prefix)[0]}.gz", images)
    prepare.prepare("mnist", data_dir=tmp_path / "files", tell=lambda text: None)
    for split in ("train", "test"):
        source = named_source("mnist", split=split)
        assert isinstance(source, PreparedSource)
        assert_holds(source, load("mnist", split=split))
    with stream("mnist", batch_size=8, seed=0, epochs=1) as batches:
        state = batches.state()
        assert batches.class_names == load("mnist").class_names
        assert [len(labels) for _, labels in batches] == [8, 8, 4]
    with pytest.raises(ValueError, match=r"^state belongs to another stream, whose source was"):
        stream("mnist", split="test", batch_size=8, seed=0, state=state)
    with pytest.raises(ValueError, match=r"^split must be one of .* got 'other'\.$"):
        stream("mnist", split="other", batch_size=8, seed=0)
    folder = prepared.find("mnist", tmp_path / "cache" / "jaxcnn" / "datasets")
    (damaged,) = folder.glob("*train*")
    damaged.write_bytes(bytes(len(damaged.read_bytes())))
    with pytest.raises(ValueError, match=r"must be an intact prepared set, got: .*; remove the folder and prepare it"):
        stream("mnist", batch_size=8, seed=0)


def test_folders_and_files_that_are_read_whole(tmp_path):
    for split, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
        (tmp_path / "own" / split / name).mkdir(parents=True)
        Image.fromarray(np.full((2, 3), ord(name), np.uint8)).save(tmp_path / "own" / split / name / "0.png")
    for split in ("train", "test"):
        assert_holds(
            named_source("folder:own", split=split, data_dir=tmp_path), load(f"folder:{tmp_path}/own", split=split)
        )
    sample = named_source("mnist")
    assert isinstance(sample, ArraySource)
    assert len(sample) == 8000


def test_an_unknown_name_is_refused_as_by_load():
    for name in ("tfds:nothing", "folder:nowhere", "imagenet", ""):
        with pytest.raises(ValueError) as expected:  # noqa: PT011
            load(name)
        with pytest.raises(ValueError) as found:  # noqa: PT011
            stream(name, batch_size=2, seed=0)
        assert str(found.value) == str(expected.value)
