"""Folders of images: which files are which class, and the sentence for each kind of bad folder."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import optax
import pytest
from flax import nnx
from PIL import Image

from jaxcnn import models, training
from jaxcnn.data import load
from jaxcnn.data.dataset import Dataset, sampled
from jaxcnn.data.folder import folder_splits, list_folder, read_folder

SGD = optax.sgd(0.1)
FULL = Path(__file__).parents[3] / "shared" / "data"


def put(path, pixels=7, shape=(3, 4)):
    """Writes an image of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, pixels, np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes: b with pixels 10 and 11, a with 20, 21 and 22."""
    for name, value in (("b/0.png", 10), ("b/1.PNG", 11), ("a/x.png", 20), ("a/y.png", 21), ("a/z.png", 22)):
        put(tmp_path / "own" / name, value)
    return tmp_path / "own"


class TestReadFolder:
    def test_images_follow_the_names_of_classes_and_files(self, folder):
        dataset = read_folder(folder)
        assert (dataset.name, dataset.source, dataset.class_names) == ("own", "full", ("a", "b"))
        assert dataset.images.shape == (5, 3, 4, 1)
        np.testing.assert_array_equal(dataset.images[:, 0, 0, 0], [20, 21, 22, 10, 11])
        np.testing.assert_array_equal(dataset.labels, [0, 0, 0, 1, 1])

    def test_mixed_sizes_need_a_rule(self, folder):
        odd = put(folder / "b" / "2.png", 12, (6, 8))
        with pytest.raises(ValueError, match=rf"^{odd} is 6×8, but .*x\.png is 3×4; .*image_size=\(3, 4\).*resize\.$"):
            read_folder(folder)
        assert read_folder(folder, image_size=(3, 4)).images.shape == (6, 3, 4, 1)
        assert read_folder(folder, image_size=5, channels=3, resize="pad").images.shape == (6, 5, 5, 3)

    def test_grey_beside_rgb_needs_a_rule(self, folder):
        put(folder / "b" / "2.png", 12, (3, 4, 3))
        with pytest.raises(ValueError, match=r"2\.png is RGB, but .*x\.png is grey; .* channels=1 .* channels=3"):
            read_folder(folder, image_size=4)
        assert read_folder(folder, channels=1).images[-1].tolist() == [[[12]] * 4] * 3
        assert read_folder(folder, channels=3).images.shape == (6, 3, 4, 3)

    def test_several_bad_files_are_named_at_once(self, folder):
        for name in ("a/y.png", "b/0.png"):
            (folder / name).write_text("no image")
        with pytest.raises(ValueError, match=r"y\.png must be a PNG .*\(and so with 1 further file: .*0\.png\)\.$"):
            read_folder(folder)
        (folder / "b" / "0.png").unlink()
        with pytest.raises(ValueError, match=r"y\.png must be a PNG or JPEG .* or remove it\.$"):
            read_folder(folder)

    def test_broken_files_may_be_left_out(self, folder):
        (folder / "a" / "x.png").write_bytes(b"")
        (folder / "b" / "0.png").write_text("no image")
        with pytest.warns(UserWarning, match=r"^left out 2 broken files: .*x\.png, .*0\.png$"):
            dataset = read_folder(folder, skip_broken=True)
        np.testing.assert_array_equal(dataset.images[:, 0, 0, 0], [21, 22, 11])
        assert dataset.labels.tolist() == [0, 0, 1]

    def test_what_is_whole_but_unfit_is_never_left_out(self, folder):
        put(folder / "b" / "2.png", 12, (6, 8))
        with pytest.raises(ValueError, match=r"2\.png is 6×8"):
            read_folder(folder, skip_broken=True)

    def test_a_class_of_broken_files_alone(self, folder):
        for name in ("0.png", "1.PNG"):
            (folder / "b" / name).write_bytes(b"")
        with pytest.raises(
            ValueError, match=r"b must hold a whole image of its class, got broken files alone; replace"
        ):
            read_folder(folder, skip_broken=True)
        for name in ("x.png", "y.png", "z.png"):
            (folder / "a" / name).write_bytes(b"")
        with pytest.raises(ValueError, match=r"x\.png must be a PNG .* got an empty file.* with 4 further files"):
            read_folder(folder, skip_broken=True)

    def test_more_files_than_a_task_takes_keep_their_order(self, tmp_path):
        for i in range(300):
            put(tmp_path / "ab"[i % 2] / f"{i:03}.png", i % 251, (1, 2))
        images = read_folder(tmp_path).images[:, 0, 0, 0]
        np.testing.assert_array_equal(
            images, [*(i % 251 for i in range(0, 300, 2)), *(i % 251 for i in range(1, 300, 2))]
        )

    def test_arguments_are_checked_before_the_folder(self):
        with pytest.raises(ValueError, match="image_size must be an integer >= 1"):
            read_folder("nowhere", image_size=-1)

    def test_the_files_of_a_part_are_known(self, folder):
        listing, whole = list_folder(folder), read_folder(folder)
        part = whole.split(0.4, seed=3)[1]
        files = [
            path for path, chosen in zip(listing.paths, sampled(listing.labels, 0.4, seed=3), strict=True) if chosen
        ]
        alone = [np.asarray(Image.open(path))[..., None] for path in files]
        np.testing.assert_array_equal(np.stack(alone), part.images)


class TestSplits:
    @pytest.fixture
    def splits(self, tmp_path):
        for name, value in (("train/a/0", 1), ("train/b/0", 2), ("train/c/0", 3), ("test/b/0", 4), ("test/c/0", 5)):
            put(tmp_path / f"{name}.png", value)
        return tmp_path

    def test_all_share_the_classes_of_the_training_set(self, splits):
        train, test = read_folder(splits), read_folder(splits, split="test")
        assert train.class_names == test.class_names == ("a", "b", "c")
        assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 2], [1, 2])
        assert test.images[:, 0, 0, 0].tolist() == [4, 5]
        assert folder_splits(splits) == ("test", "train")

    def test_a_class_that_was_never_trained_is_refused(self, splits):
        put(splits / "test" / "d" / "0.png")
        with pytest.raises(ValueError, match=r"test.d must be a class that .*train holds too"):
            read_folder(splits, split="test")

    def test_images_beside_the_splits_are_refused(self, splits):
        put(splits / "beside.png")
        with pytest.raises(ValueError, match=r"beside\.png must lie in the folder of its class, got it beside them"):
            read_folder(splits)

    @pytest.mark.parametrize("split", ["validation", "../train", ""])
    def test_a_split_that_is_not_there(self, splits, split):
        with pytest.raises(ValueError, match=r"split must be one of 'test', 'train' for"):
            read_folder(splits, split=split)

    def test_without_splits_all_is_for_training(self, folder):
        with pytest.raises(ValueError, match=r"split must be one of 'train' .* got 'test'; .*Dataset\.split"):
            list_folder(folder, split="test")

    def test_a_class_may_be_called_train(self, tmp_path):
        put(tmp_path / "train" / "0.png")
        put(tmp_path / "bus" / "0.png")
        assert (list_folder(tmp_path).class_names, folder_splits(tmp_path)) == (("bus", "train"), ())


class TestBadFolders:
    @pytest.mark.parametrize(
        "name", [".hidden.png", "a/.DS_Store", "a/._x.png", "a/Thumbs.db", ".git/x.png", "LICENSE"]
    )
    def test_what_systems_leave_behind_is_passed_over(self, folder, name):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0")
        assert len(list_folder(folder).paths) == 5

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("a/notes.txt", r"notes\.txt must be an image whose name ends in \.png, \.jpg, \.jpeg; convert it"),
            ("a/moving.gif", r"moving\.gif must be an image whose name ends in"),
            ("beside.png", r"beside\.png must lie in the folder of its class"),
            ("a/deeper/x.png", r"deeper must be an image, got a folder; move its images up into .*a\."),
        ],
    )
    def test_what_would_be_lost_is_refused(self, folder, name, message):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0")
        with pytest.raises(ValueError, match=message):
            list_folder(folder)

    def test_an_empty_class(self, folder):
        (folder / "c").mkdir()
        with pytest.raises(
            ValueError, match=r"c must hold images of its class, got none; add some, or remove the folder"
        ):
            list_folder(folder)

    def test_fewer_than_two_classes(self, tmp_path):
        with pytest.raises(ValueError, match="must hold two or more folders, one a class, got none"):
            list_folder(tmp_path)
        put(tmp_path / "alone" / "0.png")
        with pytest.raises(ValueError, match="got 'alone' alone"):
            list_folder(tmp_path)

    def test_no_folder(self, tmp_path):
        with pytest.raises(ValueError, match="nowhere must be a folder with a folder a class, got none"):
            read_folder(tmp_path / "nowhere")
        with pytest.raises(ValueError, match=r"x\.png must be a folder .* got a file"):
            list_folder(put(tmp_path / "x.png"))

    @pytest.mark.parametrize(
        ("link", "target", "message"),
        [
            ("a/loop.png", "a/loop.png", r"loop\.png must be an image, got a link that leads nowhere"),
            ("loop", "loop", "loop must be a folder of images, got a link that leads nowhere"),
            ("loop", ".", r"a must be an image, got a folder"),
            ("a/loop", ".", "loop must be an image, got a folder"),
        ],
    )
    def test_links_that_loop(self, folder, link, target, message):
        os.symlink(folder / target, folder / link)
        with pytest.raises(ValueError, match=message):
            list_folder(folder)

    def test_links_are_followed(self, folder, tmp_path):
        os.symlink(folder / "a", folder / "c")
        os.symlink(folder / "a" / "x.png", folder / "b" / "x.png")
        assert list_folder(folder).labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]

    def test_names_are_taken_as_they_are(self, folder):
        names = ("<script>alert(1)<", "a..\\..\\b", "한글", "💡 & $x$", "%2e%2e%2f")
        for name in names:
            put(folder / name / "0.png")
        assert list_folder(folder).class_names == tuple(sorted((*names, "a", "b")))

    @pytest.mark.parametrize("name", [b"a\nb", b"\x1b[31m", b"\xff"])
    def test_names_that_no_page_can_show(self, folder, name):
        os.mkdir(os.fsencode(folder) + b"/" + name)
        with pytest.raises(ValueError, match="must be a name without control characters, in UTF-8; rename it"):
            list_folder(folder)


def assert_equal_by_class(read: Dataset, written: Dataset):
    """The same images in each class, in whatever order."""
    assert read.class_names == written.class_names
    for label in range(len(read.class_names)):
        mine, theirs = (np.sort([i.tobytes() for i in d.images[d.labels == label]]) for d in (read, written))
        assert np.array_equal(mine, theirs), read.class_names[label]


def write_folder(path, dataset):
    for i, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        file = path / dataset.class_names[label] / f"{i:05}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(file, compress_level=1)


@pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["a part of the sample", "the full set"]
)
def test_pngs_are_the_images_of_the_idx_files(tmp_path, whole):
    """What makes both train alike: the same images, class by class."""
    if whole and not (FULL / "mnist").is_dir():
        pytest.skip("the full MNIST is not beside the checkout")
    for split in ("train", "test"):
        dataset = (
            load("mnist", split=split, data_dir=FULL) if whole else load("mnist", split=split).split(0.05, seed=0)[1]
        )
        write_folder(tmp_path / split, dataset)
        read = read_folder(tmp_path, split=split)
        assert len(read) == len(dataset)
        assert_equal_by_class(read, dataset)


@pytest.mark.slow
def test_pngs_train_as_the_same_images_in_idx_files_do(tmp_path):
    """Bit by bit, once the arrays lie in one order: a folder's is that of its names."""
    dataset = load("mnist").split(0.1, seed=0)[1]
    order = np.argsort(dataset.labels, kind="stable")
    in_order = dataclasses.replace(dataset, images=dataset.images[order], labels=dataset.labels[order])
    write_folder(tmp_path / "train", in_order)
    histories = []
    for images in (in_order, load(f"folder:{tmp_path}")):
        model = models.create("lenet5", rngs=nnx.Rngs(0))
        histories.append(training.fit(model, images, epochs=2, optimizer=SGD, progress=False))
    assert histories[0].loss == histories[1].loss
    assert histories[0].accuracy == histories[1].accuracy
