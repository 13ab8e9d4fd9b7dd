import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcnn.data import Dataset

PIXELS = np.zeros((3, 4, 4, 1), np.uint8)
FLOATS = np.zeros((3, 4, 4, 1), np.float32)


def make(images=PIXELS, labels=(0, 1, 2), class_names=("a", "b", "c"), source="full") -> Dataset:
    return Dataset(images, np.asarray(labels), class_names, "tiny", source)


def numbered(labels) -> Dataset:
    """Each image's one pixel is its number, so that parts can be traced."""
    images = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1) / max(len(labels), 1)
    return Dataset(images, np.asarray(labels), tuple("abcdefgh"), "numbered", "full")


class TestDataset:
    def test_fields_and_length(self):
        dataset = make()
        assert len(dataset) == 3
        assert dataset.images is PIXELS
        assert (dataset.class_names, dataset.name, dataset.source) == (("a", "b", "c"), "tiny", "full")

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64])
    def test_labels_become_int32(self, dtype):
        labels = make(labels=np.array([2, 0, 1], dtype)).labels
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, [2, 0, 1])

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, jnp.bfloat16])
    def test_float_images_keep_their_dtype(self, dtype):
        assert make(images=PIXELS.astype(dtype)).images.dtype == dtype

    def test_jax_arrays_and_lists_are_taken(self):
        dataset = Dataset(jnp.zeros((2, 1, 1, 1)), [1, 0], ["a", "b"], "tiny", "sample")
        assert type(dataset.images) is type(dataset.labels) is np.ndarray
        assert dataset.class_names == ("a", "b")

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            make().name = "other"

    def test_repr_is_short(self):
        assert repr(make()) == "Dataset('tiny', full: 3 images 4×4×1 uint8, 3 classes)"

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (PIXELS[..., 0], r"shape \(n, h, w, c\) .* got \(3, 4, 4\); .*\[\.\.\., None\]"),
            (PIXELS[:0], r"no axis empty, got \(0, 4, 4, 1\)"),
            (PIXELS[:, :, :0], r"no axis empty, got \(3, 4, 0, 1\)"),
            (PIXELS.astype(np.int32), "uint8 or floating, got int32"),
            (PIXELS.astype(bool), "uint8 or floating, got bool"),
            (FLOATS + 255, r"must be scaled, .* got 255 to 255; divide them by 255"),
            (FLOATS + np.nan, "must be finite, got values from nan to nan"),
            (FLOATS + np.inf, "must be finite, got values from inf to inf"),
        ],
    )
    def test_bad_images(self, images, message):
        with pytest.raises(ValueError, match=f"^images .*{message}"):
            make(images=images)

    def test_standardised_floats_are_fine(self):
        assert make(images=FLOATS - 128).images.min() == -128

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0, 1, 3], r"must lie in 0 to 2 for 3 class names, got 3 at index 2"),
            ([0, -1, 5], r"must lie in 0 to 2 .* got -1 at index 1"),
            (np.array([0, 2**32, 0]), r"got 4294967296 at index 1"),  # would wrap round to 0 in int32
            (np.array([0, 2**64 - 1, 0], np.uint64), r"got 18446744073709551615 at index 1"),
            ([0, 1], r"shape \(3,\), one label an image, got \(2,\)"),
            ([[0], [1], [2]], r"shape \(3,\), .* got \(3, 1\)"),
            ([0.0, 1.0, 2.0], "must be integers, .* got dtype float64"),
            ([True, False, True], "must be integers, .* got dtype bool"),
        ],
    )
    def test_bad_labels(self, labels, message):
        with pytest.raises(ValueError, match=f"^labels .*{message}"):
            make(labels=labels)

    def test_bad_source(self):
        with pytest.raises(ValueError, match='source must be "full" or "sample", got \'some\''):
            make(source="some")

    @pytest.mark.parametrize("class_names", ["abc", (0, 1, 2)])
    def test_bad_class_names(self, class_names):
        with pytest.raises(TypeError, match="class_names"):
            make(class_names=class_names)

    def test_no_class_names(self):
        with pytest.raises(ValueError, match=r"class_names must name every class .* got none"):
            make(class_names=())


class TestSplit:
    @given(
        labels=st.lists(st.integers(0, 7), min_size=2, max_size=60),
        fraction=st.floats(0.01, 0.99),
        seed=st.integers(0, 2**40),
    )
    def test_parts_are_disjoint_complete_and_stratified(self, labels, fraction, seed):
        whole, size = numbered(labels), round(fraction * len(labels))
        if size in (0, len(labels)):
            with pytest.raises(ValueError, match=r"leaves the (part|rest) empty"):
                whole.split(fraction, seed=seed)
            return
        rest, part = whole.split(fraction, seed=seed)
        assert len(part) == size
        numbers = np.concatenate([rest.images, part.images]).ravel()
        np.testing.assert_array_equal(np.sort(numbers), whole.images.ravel())
        for side in (rest, part):
            positions = np.searchsorted(whole.images.ravel(), side.images.ravel())
            np.testing.assert_array_equal(side.labels, whole.labels[positions])
        share = np.bincount(whole.labels, minlength=8) * size / len(labels)
        assert (np.abs(np.bincount(part.labels, minlength=8) - share) < 1).all()

    def test_exact_share_of_balanced_classes(self):
        rest, part = numbered(np.repeat(np.arange(4), 10)).split(0.3, seed=1)
        np.testing.assert_array_equal(np.bincount(part.labels), [3, 3, 3, 3])
        np.testing.assert_array_equal(np.bincount(rest.labels), [7, 7, 7, 7])

    def test_seed_decides(self):
        whole = numbered(np.zeros(50, int))
        chosen = [whole.split(0.5, seed=seed)[1].images.ravel().tolist() for seed in (0, 0, 1, np.int64(1))]
        assert chosen[0] == chosen[1] != chosen[2] == chosen[3]

    def test_is_the_same_in_every_version_of_numpy(self):
        # PCG64(0)'s first number is 11 modulo 12, so the last of each four is taken; ordered by the next twelve
        # numbers the classes read 0 6 3 9, 10 1 7 4 and 2 5 11 8.
        part = numbered(np.arange(12) % 3).split(0.25, seed=0)[1]
        np.testing.assert_array_equal(np.rint(part.images.ravel() * 12), [4, 8, 9])

    def test_every_image_may_be_chosen(self):
        whole = numbered(np.arange(6) % 2)
        chosen = {float(x) for seed in range(40) for x in whole.split(0.2, seed=seed)[1].images.ravel()}
        assert chosen == {float(x) for x in whole.images.ravel()}

    def test_parts_keep_the_rest_of_the_record(self):
        for side in make(source="sample").split(0.5, seed=0):
            assert (side.name, side.source, side.class_names) == ("tiny", "sample", ("a", "b", "c"))

    @pytest.mark.parametrize("fraction", [0, 1, 0.0, 1.0, -0.1, 1.5, float("nan")])
    def test_fraction_outside(self, fraction):
        with pytest.raises(ValueError, match=f"fraction must lie between 0 and 1, both excluded, got {fraction}"):
            make().split(fraction, seed=0)

    @pytest.mark.parametrize(("fraction", "side"), [(0.1, "part"), (0.9, "rest")])
    def test_empty_side(self, fraction, side):
        with pytest.raises(ValueError, match=f"fraction={fraction} of 3 images leaves the {side} empty"):
            make().split(fraction, seed=0)

    @pytest.mark.parametrize("seed", [-1, 0.5])
    def test_seeds_that_are_none(self, seed):
        with pytest.raises(ValueError, match=f"seed must be an integer of at least 0, got {seed}"):
            make().split(0.5, seed=seed)
