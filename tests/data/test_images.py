"""One image file: its pixels, its sizes, and the sentence for each kind of bad file."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data.images import MOST_PIXELS, read_image

GREY = np.arange(20, dtype=np.uint8).reshape(4, 5) * 12
RGB = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)


def write(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def encoded(pixels, kind):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def moving_gif():
    buffer = io.BytesIO()
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_declaring(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def jpeg_declaring(width, height):
    data = encoded(GREY, "JPEG")
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def read_or_refusal(path):
    try:
        return read_image(path)
    except ValueError as error:
        return str(error)


class TestPixels:
    @pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
    def test_png_comes_back_bit_by_bit(self, tmp_path, pixels):
        image = read_image(write(tmp_path / "a.png", pixels))
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, pixels.reshape(4, 5, -1))

    def test_content_decides_not_the_name(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(encoded(np.full((8, 9, 3), 77, np.uint8), "JPEG"))
        np.testing.assert_array_equal(read_image(path), np.full((8, 9, 3), 77))

    def test_grey_becomes_rgb_three_times(self, tmp_path):
        image = read_image(write(tmp_path / "a.png", GREY), channels=3)
        np.testing.assert_array_equal(image, np.repeat(GREY[..., None], 3, axis=-1))

    def test_rgb_becomes_grey_by_its_luma(self, tmp_path):
        image = read_image(write(tmp_path / "a.png", RGB), channels=1)
        np.testing.assert_allclose(image[..., 0], RGB @ np.array([0.299, 0.587, 0.114]), atol=1)

    @pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("P", 3), ("RGBA", 3)])
    def test_other_opaque_modes_lose_nothing(self, tmp_path, mode, channels):
        pixels = np.where(GREY > 100, 255, 0).astype(np.uint8)
        image = read_image(write(tmp_path / "a.png", pixels, mode))
        np.testing.assert_array_equal(image, np.repeat(pixels[..., None], channels, axis=-1))

    def test_photos_are_turned_upright(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by a quarter clockwise
        pixels = np.zeros((16, 32), np.uint8)
        pixels[:, :16] = 255  # the left half is bright; upright it is the upper one
        image = read_image(write(tmp_path / "a.jpg", pixels, exif=exif, quality=100))
        assert image.shape == (32, 16, 1)
        assert image[:16].mean() > 250
        assert image[16:].mean() < 5


class TestResize:
    """A 2×8 image, dark left and bright right of its middle half, made 4×4."""

    PIXELS = np.repeat(np.array([[10, 10, 100, 100, 100, 100, 250, 250]], np.uint8), 2, axis=0)

    @pytest.fixture
    def path(self, tmp_path):
        return write(tmp_path / "a.png", self.PIXELS)

    def test_stretch_keeps_all_and_distorts(self, path):
        image = read_image(path, size=4)[..., 0]
        assert image.shape == (4, 4)
        assert (np.diff(image.astype(int), axis=1) > 0)[:, [0, 2]].all()
        assert np.ptp(image, axis=0).max() == 0

    def test_crop_keeps_the_middle(self, path):
        np.testing.assert_array_equal(read_image(path, size=(4, 4), resize="crop"), np.full((4, 4, 1), 100))

    def test_pad_keeps_all_between_black_edges(self, path):
        image = read_image(path, size=4, resize="pad")[..., 0]
        assert (image[[0, 2, 3]] == 0).sum() >= 8
        rows = np.flatnonzero(image.any(axis=1))
        assert len(rows) == 1
        assert image[rows[0], 0] < 60 < image[rows[0], 1] < 140 < image[rows[0], 3]

    def test_height_comes_first(self, path):
        assert read_image(path, size=(3, 7), channels=3, resize="pad").shape == (3, 7, 3)

    def test_a_hair_stays_visible(self, tmp_path):
        path = write(tmp_path / "a.png", np.full((300, 1), 200, np.uint8))
        image = read_image(path, size=8, resize="pad")[..., 0]
        np.testing.assert_array_equal(image.any(axis=0).nonzero()[0].size, 1)

    def test_the_own_size_is_left_alone(self, path):
        for resize in ("stretch", "pad", "crop"):
            np.testing.assert_array_equal(read_image(path, size=(2, 8), resize=resize)[..., 0], self.PIXELS)


BAD = {
    "a text file": (b"hello there, no image", r"must be a PNG or JPEG image, got a file that begins with b'hello"),
    "an empty file": (b"", "got an empty file; save it as PNG, or remove it"),
    "a GIF": (encoded(GREY, "GIF"), "must be a PNG or JPEG image, got a GIF; save it as PNG"),
    "an animated GIF": (moving_gif(), "must be a PNG or JPEG image, got a GIF; save it as PNG, or remove it"),
    "a BMP": (encoded(GREY, "BMP"), "got a BMP"),
    "a PNG bomb": (png_declaring(60_000, 60_000), "must have 67,108,864 pixels at most, got 60,000 × 60,000"),
    "a bomb that Pillow only warns of": (png_declaring(10_000, 10_000), "got 10,000 × 10,000"),
    "a JPEG bomb": (jpeg_declaring(65_000, 65_000), "got 65,000 × 65,000; make it smaller"),
    "a PNG of no width": (png_declaring(0, 5), "must be an intact image"),
    "a PNG's signature": (b"\x89PNG\r\n\x1a\n", "must be an intact image, got: .*; remove it, or replace it"),
    "a JPEG's signature": (b"\xff\xd8\xff\xe0", "must be an intact image"),
    "a PNG of too few pixels": (png_declaring(100, 100), "must be an intact image"),
    "16 bits": (encoded(GREY.astype(np.uint16) * 250, "PNG"), "must have 8 bits a sample at most, got 16"),
}


class TestBadFiles:
    @pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
    def test_is_one_sentence_with_the_name_of_the_file(self, tmp_path, content, message):
        path = tmp_path / "bad.png"
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ValueError, match=rf"bad\.png .*{message}") as caught:
                read_image(path)
        assert len(str(caught.value).splitlines()) == 1
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_cut_anywhere_is_refused_or_whole(self, tmp_path, kind):
        pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
        whole, path = encoded(pixels, kind), tmp_path / "cut.png"
        path.write_bytes(whole)
        expected, got = read_image(path), []
        for length in range(0, len(whole), 37):
            path.write_bytes(whole[:length])
            got.append(read_or_refusal(path))
        refusals = [g for g in got if isinstance(g, str)]
        assert all("cut.png must be" in refusal for refusal in refusals)
        assert len(refusals) >= len(got) - 2
        for image in got[len(refusals) :]:
            np.testing.assert_array_equal(image, expected)

    def test_random_damage_never_ends_in_another_error(self, tmp_path):
        rng, path = np.random.default_rng(1), tmp_path / "damaged.png"
        for kind in ("PNG", "JPEG"):
            whole = np.frombuffer(encoded(RGB, kind), np.uint8)
            for _ in range(150):
                damaged = whole.copy()
                damaged[rng.integers(0, len(whole), 3)] = rng.integers(0, 256, 3)
                path.write_bytes(damaged.tobytes())
                got = read_or_refusal(path)
                assert got.startswith(str(path)) if isinstance(got, str) else got.dtype == np.uint8

    def test_animations_are_refused(self, tmp_path):
        frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
        frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
        with pytest.raises(ValueError, match=r"a\.png must be one still image, got 2 frames"):
            read_image(tmp_path / "a.png")

    def test_transparency_and_cmyk_are_refused(self, tmp_path):
        see_through = np.dstack([RGB, np.where(GREY > 0, 255, 254).astype(np.uint8)])
        with pytest.raises(ValueError, match=r"a\.png must be opaque, got transparent pixels"):
            read_image(write(tmp_path / "a.png", see_through))
        with pytest.raises(ValueError, match=r"a\.jpg must be grey or RGB, got CMYK colours"):
            read_image(write(tmp_path / "a.jpg", RGB, "CMYK"))

    def test_missing_and_looping_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"make it a file that can be read, or remove it: .*none\.png"):
            read_image(tmp_path / "none.png")
        os.symlink(tmp_path / "loop.png", tmp_path / "loop.png")
        with pytest.raises(OSError, match=r"Too many .*: .*loop\.png"):
            read_image(tmp_path / "loop.png")

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
    def test_unreadable_file(self, tmp_path):
        path = write(tmp_path / "a.png", GREY)
        path.chmod(0)
        with pytest.raises(PermissionError, match=r"make it a file that can be read, or remove it: .*a\.png"):
            read_image(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 2}, "channels must be 1 for grey, 3 for RGB, or None .* got 2"),
        ({"resize": "fit"}, "resize must be one of stretch, pad, crop, got 'fit'"),
        ({"size": 0}, "size must be an integer >= 1 or 2 of them"),
        ({"size": (MOST_PIXELS, 1)}, r"size must leave a map of fewer than 2\*\*26 pixels"),
    ],
)
def test_bad_arguments_are_refused_before_the_file_is_looked_for(options, message):
    with pytest.raises(ValueError, match=message):
        read_image("nowhere.png", **options)
