import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxcnn.data import augment

KEY = jax.random.key(3)
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(1, 256, (6, 8, 8, 3)).astype(np.uint8)  # no zeros, so that what is filled in shows
FLOATS = (PIXELS / 255).astype(np.float32)
FAR = functools.partial(augment.random_shift, pixels=3)
EVERY = {
    "shift": FAR,
    "crop": functools.partial(augment.random_crop, size=8, padding=2),
    "flip": augment.random_flip,
    "rotation": functools.partial(augment.random_rotation, degrees=30),
    "cutout": functools.partial(augment.cutout, size=3),
}


def rolled(image, down, right):
    """np.roll with zeros where it wraps round."""
    image = np.roll(image, (down, right), (0, 1))
    rows, columns = np.arange(image.shape[0]) - down, np.arange(image.shape[1]) - right
    inside = ((rows >= 0) & (rows < image.shape[0]))[:, None] & ((columns >= 0) & (columns < image.shape[1]))
    return np.where(inside[..., None], image, np.zeros((), image.dtype))


class TestEvery:
    @pytest.mark.parametrize("images", [PIXELS, FLOATS, FLOATS.astype(jnp.bfloat16)], ids=["uint8", "float", "bf16"])
    @pytest.mark.parametrize("name", EVERY)
    def test_shape_dtype_determinism_and_jit(self, name, images):
        compiled = jax.jit(EVERY[name])
        found = compiled(KEY, images)
        assert (found.shape, found.dtype) == (images.shape, images.dtype)
        np.testing.assert_array_equal(found, compiled(KEY, images))
        assert not np.array_equal(found, compiled(jax.random.key(4), images))
        if images.dtype == np.uint8:
            np.testing.assert_array_equal(found, EVERY[name](KEY, images))

    @pytest.mark.parametrize("name", EVERY)
    def test_each_image_has_a_draw_of_its_own(self, name):
        found = np.asarray(EVERY[name](KEY, np.repeat(FLOATS[:1], 16, 0)))
        assert len(np.unique(found.reshape(16, -1), axis=0)) >= (2 if name == "flip" else 8)

    @pytest.mark.parametrize("name", EVERY)
    def test_vmap_is_a_loop(self, name):
        keys, batches = jax.random.split(KEY, 2), np.stack([PIXELS, PIXELS[::-1]])
        found = jax.vmap(EVERY[name])(keys, batches)
        for key, batch, one in zip(keys, batches, found, strict=True):
            np.testing.assert_array_equal(one, EVERY[name](key, batch))

    @pytest.mark.parametrize("name", EVERY)
    def test_linear_in_the_images_so_the_gradient_is_the_transpose(self, name):
        def total(images):
            return (EVERY[name](KEY, images) * weights).sum()

        weights = jnp.asarray(RNG.normal(size=FLOATS.shape), jnp.float32)
        gradient = jax.jit(jax.grad(total))(jnp.asarray(FLOATS))
        np.testing.assert_allclose((gradient * FLOATS).sum(), total(jnp.asarray(FLOATS)), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (PIXELS[0], r"shape \(n, h, w, c\), got \(8, 8, 3\); .* images\[None\]"),
            (PIXELS.astype(int), "got int32|int64"),
        ],
    )
    def test_bad_images(self, name, images, message):
        with pytest.raises(ValueError, match=f"^images must .*{message}"):
            EVERY[name](KEY, images)


class TestShift:
    @pytest.mark.parametrize("images", [PIXELS, FLOATS], ids=["uint8", "float"])
    def test_equals_roll_with_zeros(self, images):
        offsets = np.array([(0, 0), (2, 0), (0, -3), (-1, 5), (8, 0), (-9, 30)])
        expected = [
            rolled(image, *offset) if max(abs(offset)) < 8 else 0 * image
            for image, offset in zip(images, offsets, strict=True)
        ]
        np.testing.assert_array_equal(jax.jit(augment.shift)(images, offsets), expected)

    def test_draws_every_offset_and_no_other(self):
        images = np.repeat(PIXELS[:1], 600, 0)
        found = np.asarray(jax.jit(functools.partial(augment.random_shift, pixels=(1, 2)))(KEY, images))
        expected = {(d, r): rolled(PIXELS[0], d, r).tobytes() for d in (-1, 0, 1) for r in (-2, -1, 0, 1, 2)}
        counts = [sum(image.tobytes() == wanted for image in found) for wanted in expected.values()]
        assert sum(counts) == 600
        assert min(counts) > 600 / 15 / 3  # each about 40, 5 standard deviations from 13

    def test_by_nothing_is_the_identity(self):
        np.testing.assert_array_equal(augment.random_shift(KEY, PIXELS, pixels=0), PIXELS)

    @pytest.mark.parametrize("pixels", [-1, 1.5, (1, 2, 3), "far"])
    def test_bad_pixels(self, pixels):
        with pytest.raises(ValueError, match=r"^pixels must be"):
            augment.random_shift(KEY, PIXELS, pixels=pixels)


class TestCrop:
    def test_windows_of_the_padded_image(self):
        found = np.asarray(augment.random_crop(KEY, PIXELS, size=(5, 6), padding=(1, 2)))
        padded = np.pad(PIXELS, [(0, 0), (1, 1), (2, 2), (0, 0)])
        for image, whole in zip(found, padded, strict=True):
            windows = [whole[y : y + 5, x : x + 6].tobytes() for y in range(6) for x in range(7)]
            assert image.tobytes() in windows

    def test_whole_size_is_the_identity(self):
        np.testing.assert_array_equal(augment.random_crop(KEY, PIXELS, size=8), PIXELS)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"size": 9}, "^size must fit the padded images, 8×8, got 9×9; make it smaller or padding larger"),
            ({"size": 0}, "^size must be"),
            ({"size": 3, "padding": -1}, "^padding must be"),
        ],
    )
    def test_bad_numbers(self, options, message):
        with pytest.raises(ValueError, match=message):
            augment.random_crop(KEY, PIXELS, **options)


class TestFlip:
    @pytest.mark.parametrize(
        ("options", "axes"),
        [({}, (2,)), ({"horizontal": False, "vertical": True}, (1,)), ({"vertical": True}, (1, 2))],
    )
    def test_always_equals_numpy(self, options, axes):
        found = augment.random_flip(KEY, PIXELS, probability=1, **options)
        np.testing.assert_array_equal(found, np.flip(PIXELS, axes))
        nothing = augment.random_flip(KEY, PIXELS, probability=np.float32(0), **options)
        np.testing.assert_array_equal(nothing, PIXELS)

    def test_as_often_as_asked(self):
        found = augment.random_flip(KEY, np.repeat(PIXELS[:1], 600, 0), probability=0.25)
        assert 90 < (np.asarray(found) != PIXELS[0]).any((1, 2, 3)).sum() < 210  # 150, 5 standard deviations

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"horizontal": False}, "^horizontal or vertical must be True, got neither"),
            ({"vertical": "no"}, "^vertical must be True or False"),
            ({"probability": 1.5}, "^probability must lie in 0 to 1, got 1.5"),
            ({"probability": float("nan")}, "^probability must lie in 0 to 1, got nan"),
        ],
    )
    def test_bad_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            augment.random_flip(KEY, PIXELS, **options)


class TestRotation:
    @pytest.mark.parametrize("images", [PIXELS, FLOATS, FLOATS[:, :7, :7]], ids=["uint8", "float", "odd"])
    def test_quarter_turns_are_exact_and_counter_clockwise(self, images):
        turns = np.array([0, 1, 2, 3, -1, 4])
        found = jax.jit(augment.rotate)(images, (90 * turns).astype(np.float32))
        np.testing.assert_array_equal(found, [np.rot90(image, turn) for image, turn in zip(images, turns, strict=True)])

    def test_equals_scipy(self):
        angles = np.array([10, -30, 45, 100, 200, 1], np.float32)
        found = augment.rotate(FLOATS[:, :, :6], angles)
        expected = [
            scipy.ndimage.rotate(image, angle, reshape=False, order=1, mode="grid-constant")
            for image, angle in zip(FLOATS[:, :, :6], angles, strict=True)
        ]
        np.testing.assert_allclose(found, expected, atol=5e-3)  # places are rounded to 1/1024 pixel

    def test_by_nothing_is_the_identity(self):
        np.testing.assert_array_equal(augment.random_rotation(KEY, FLOATS, degrees=np.float32(0)), FLOATS)

    @pytest.mark.parametrize("degrees", [-1, float("inf"), float("nan"), True, "10"])
    def test_bad_degrees(self, degrees):
        with pytest.raises(ValueError, match=r"^degrees must be a finite number of at least 0"):
            augment.random_rotation(KEY, PIXELS, degrees=degrees)


class TestCutout:
    def test_erases_one_rectangle_and_nothing_else(self):
        found = np.asarray(augment.cutout(KEY, np.repeat(PIXELS[:1], 64, 0), size=(3, 5)))
        areas = []
        for image in found:
            gone = (image == 0).all(-1)
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert gone.sum() == len(rows) * len(columns)  # a rectangle
            assert (np.diff(rows) == 1).all()
            assert (np.diff(columns) == 1).all()
            np.testing.assert_array_equal(image[~gone], PIXELS[0][~gone])
            areas.append(gone.sum())
        assert max(areas) == 15
        assert min(areas) >= 2 * 3  # the centre lies inside

    def test_mean_area_counts_the_overhang(self):
        # centres 0..7 of a square of 3: two places of 8 leave 2 rows, six leave 3
        found = np.asarray(augment.cutout(KEY, np.repeat(PIXELS[:1], 2000, 0), size=3))
        assert abs((found == 0).all(-1).sum((1, 2)).mean() - (22 / 8) ** 2) < 0.15

    def test_larger_than_the_image_erases_all(self):
        assert not np.asarray(augment.cutout(KEY, FLOATS, size=40)).any()

    @pytest.mark.parametrize("size", [0, (2, -1), 1.0])
    def test_bad_size(self, size):
        with pytest.raises(ValueError, match=r"^size must be"):
            augment.cutout(KEY, PIXELS, size=size)


class TestChain:
    def test_from_left_to_right(self):
        double, more = (lambda key, x: 2 * x), (lambda key, x: x + 1)
        np.testing.assert_array_equal(augment.chain(double, more)(KEY, jnp.ones(2)), [3, 3])
        np.testing.assert_array_equal(augment.chain()(KEY, jnp.ones(2)), [1, 1])

    def test_keys_differ(self):
        found = augment.chain(FAR, FAR)(KEY, PIXELS)
        assert not np.array_equal(found, FAR(KEY, FAR(KEY, PIXELS)))
