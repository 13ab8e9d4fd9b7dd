"""Plain PNGs are decoded as Pillow does, and all others are left to it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jaxcnn.data.png import SIGNATURE, plain_png, plain_rows, unfiltered


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", **options)
    return file.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def by_hand(*, width=2, height=1, depth=8, colours=0, interlace=0, rows=b"\0\7\x09", split=3):
    """A PNG from its chunks, with its data in two parts."""
    data = zlib.compress(rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlace)
    parts = chunk(b"IDAT", data[:split]) + chunk(b"IDAT", data[split:])
    return SIGNATURE + chunk(b"IHDR", header) + parts + chunk(b"IEND", b"")


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (28, 28), (300, 200), (7, 5, 3), (1, 400, 3)])
def test_equals_pillow(shape):
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(shape[0]), np.arange(shape[1])).reshape(*shape[:2], *[1] * (len(shape) - 2))
    for pixels in (rng.integers(0, 256, shape), np.broadcast_to(smooth, shape)):  # each of PNG's filters in one of them
        pixels = pixels.astype(np.uint8)
        text = PngInfo()
        text.add_text("made", "by hand")
        for options in ({}, {"compress_level": 0}, {"dpi": (72, 72), "pnginfo": text}):
            np.testing.assert_array_equal(np.array(plain_png(encoded(pixels, **options))), pixels)
            rows = plain_rows(encoded(pixels, **options))
            assert (rows is None) == (pixels.size > 2**14)
            if rows is not None:
                twice = unfiltered(rows.shape, [rows.filtered] * 2)
                np.testing.assert_array_equal(twice, np.stack([pixels.reshape(rows.shape)] * 2))


def test_by_hand_in_several_parts():
    assert np.array(plain_png(by_hand())).tolist() == [[7, 9]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        SIGNATURE,
        by_hand()[:-1],
        by_hand()[:-12],
        by_hand(depth=16, rows=b"\0\7\x09\7\x09"),
        by_hand(colours=3),
        by_hand(colours=6, rows=bytes(9)),
        by_hand(interlace=1),
        by_hand(width=0),
        by_hand(width=2**31 - 1, height=2**31 - 1),
        by_hand(rows=b"\0\7"),
        by_hand().replace(b"IDAT", b"IDAt", 1),
        SIGNATURE + chunk(b"IEND", b""),
        SIGNATURE + chunk(b"IHDR", b"short") + chunk(b"IEND", b""),
        encoded(np.zeros((2, 2), np.uint8), transparency=0),
        encoded(np.zeros((2, 2, 4), np.uint8)),
        encoded(np.zeros((2, 2), np.uint8), save_all=True, append_images=[Image.new("L", (2, 2), 9)]),
    ],
)
def test_others_are_left_to_pillow(content):
    assert plain_png(content) is None
    assert plain_rows(content) is None


def test_what_unpacks_to_another_length_or_fails_its_sum_is_not_among_many():
    for content in (by_hand(rows=b"\0\7\x09\0"), by_hand(rows=bytes(10**6)), with_wrong_sum()):
        assert plain_rows(content) is None
    rows = plain_rows(by_hand(rows=b"\5\7\x09"))  # a filter that does not exist
    assert unfiltered(rows.shape, [rows.filtered]) is None


def with_wrong_sum():
    """Pillow reads such an image, as its rows are there."""
    data = zlib.compress(b"\0\7\x09")[:-1] + b"\0"
    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_no_damaged_byte_passes():
    whole = encoded(np.random.default_rng(0).integers(0, 256, (4, 4), dtype=np.uint8))
    for at in range(len(SIGNATURE), len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0x40
        assert plain_png(bytes(broken)) is None, at
        assert plain_rows(bytes(broken)) is None, at
