import re

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data.folder import read_folder
from jaxcnn.data.folder_source import folder_source
from jaxcnn.data.stream import stream


@pytest.fixture
def folder(tmp_path):
    """Two classes of five grey images, each of one brightness."""
    for label, name in enumerate(("고양이", "dog")):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.fromarray(np.full((4, 3), 50 * label + number, np.uint8)).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_streams_what_read_folder_reads(folder):
    whole, source = read_folder(folder), folder_source(folder)
    assert (len(source), source.class_names) == (10, whole.class_names)
    with stream(source, batch_size=4, seed=0, epochs=1) as batches, stream(whole, batch_size=4, seed=0) as others:
        found = [(np.asarray(images), np.asarray(labels)) for images, labels in batches]
        assert [len(labels) for _, labels in found] == [4, 4, 2]
        for (images, labels), other in zip(found, others, strict=False):
            np.testing.assert_array_equal(images, other.images)
            np.testing.assert_array_equal(labels, other.labels)


def test_takes_the_options_of_read_folder(folder):
    with stream(folder_source(folder, image_size=(2, 5), channels=3), batch_size=4, seed=0) as batches:
        assert next(batches).images.shape == (4, 2, 5, 3)
    with pytest.raises(ValueError, match=r"^image_size must be"):
        folder_source(folder, image_size=0)


def test_a_broken_file_is_named_when_it_is_decoded(folder):
    (folder / "dog" / "3.png").write_text("text")
    named = re.escape(str(folder / "dog" / "3.png"))
    with pytest.raises(ValueError, match=named):
        stream(folder_source(folder), batch_size=4, seed=0, epochs=1)
    batches = stream(folder_source(folder), batch_size=4, seed=0, epochs=1, cache=None)
    with batches, pytest.raises(ValueError, match=named):
        list(batches)


@pytest.mark.parametrize("size", [1, 10])
def test_a_file_of_another_size_is_named(folder, size):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "고양이" / "3.png")
    named = r"^images must all have one shape and dtype, got .*3\.png.* by image_size, resize"
    with pytest.raises(ValueError, match=named):
        stream(folder_source(folder), batch_size=size, seed=0, epochs=1)
    batches = stream(folder_source(folder), batch_size=size, seed=0, epochs=1, cache=None)
    with batches, pytest.raises(ValueError, match=named):
        list(batches)


def test_a_file_of_another_name_is_another_source(folder):
    state = stream(folder_source(folder), batch_size=4, seed=0).state()
    (folder / "dog" / "3.png").rename(folder / "dog" / "9.png")
    with pytest.raises(ValueError, match=r"^state belongs to another stream, whose source was"):
        stream(folder_source(folder), batch_size=4, seed=0, state=state)


def test_broken_files_may_be_left_out(folder):
    (folder / "dog" / "3.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"^left out 1 broken file: .*3\.png$"):
        source = folder_source(folder, skip_broken=True)
    assert len(source) == 9
    assert len(list(stream(source, batch_size=4, seed=0, epochs=1))) == 3


def test_a_file_of_another_length_is_another_source(folder):
    state = stream(folder_source(folder), batch_size=4, seed=0).state()
    whole = (folder / "dog" / "3.png").read_bytes()
    (folder / "dog" / "3.png").write_bytes(whole + b" ")
    with pytest.raises(ValueError, match=r"^state belongs to another stream, whose source was"):
        stream(folder_source(folder), batch_size=4, seed=0, state=state)
