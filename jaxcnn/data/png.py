"""The plainest PNGs, which most sets consist of, at a part of the cost: their pixels, and None for every other file.

Small files cost Pillow more to take apart than to decode. What is left to it here is its decoder, in C; and small files
are given to that many at a time, as one tall image.
"""

import functools
import math
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MODES = {0: "L", 2: "RGB"}  # PNG's colour types
_UNSEEN = frozenset({b"pHYs", b"tEXt", b"tIME", b"gAMA", b"sRGB"})  # chunks that change no pixel as Pillow reads them
_MOST_PIXELS = 2**20
_MOST_TOGETHER = 2**14  # values of an image of which many are decoded as one: larger ones gain nothing by it
_MOST_ADDED = 2**10  # bytes by which packing makes anything longer that is not made to deceive
_HEAD = struct.Struct(">I4s")
_HEADER = struct.Struct(">IIBBBBB")
_SUM = struct.Struct(">I")
_BEGIN = len(SIGNATURE) + _HEAD.size + _HEADER.size + _SUM.size  # where the chunk behind IHDR begins
_END = b"\0\0\0\0IEND\xaeB`\x82"


class Rows(NamedTuple):
    """An image's shape (h, w, c), and its rows as PNG filters them, each with the number of its filter before it."""

    shape: tuple[int, int, int]
    filtered: bytes


def plain_png(content: bytes) -> Image.Image | None:
    """The image of a whole, undamaged PNG of 8 bits a sample, grey or RGB; None where Pillow must look closer.

    Source: Portable Network Graphics Specification, third edition, sections 5 and 11.
    """
    shape = _shape(content[:_BEGIN])
    data = None if shape is None else _data(content)
    if shape is None or data is None:
        return None
    try:
        mode = "L" if shape[2] == 1 else "RGB"
        return Image.frombytes(mode, (shape[1], shape[0]), data, "zip", mode, 0)
    except (ValueError, OSError):
        return None


def plain_rows(content: bytes) -> Rows | None:
    """What `unfiltered` takes, of a small PNG of which `plain_png` gives the image; None for others."""
    shape = _shape(content[:_BEGIN])
    if shape is None or math.prod(shape) > _MOST_TOGETHER:
        return None
    data, size = _data(content), _filtered_size(shape)
    if data is None or len(data) > size + _MOST_ADDED:  # so little unpacks to 18 MB at most, whoever made it
        return None
    try:
        filtered = zlib.decompress(data, bufsize=size + 1)  # with room behind the image, for which zlib would ask
    except zlib.error:
        return None
    return Rows(shape, filtered) if len(filtered) == size else None


def unfiltered(shape: tuple[int, int, int], filtered: Sequence[bytes]) -> UInt8[np.ndarray, "n h w c"] | None:
    """The pixels of images of one shape, from their filtered rows; None where a filter does not exist.

    They are decoded as one tall image. A row of zeros between them stands for the one that PNG has before a first row.
    """
    height, width, channels = shape
    rows, mode = (height + 1) * len(filtered), "L" if channels == 1 else "RGB"
    between = bytes(width * channels + 1)
    try:
        stored = zlib.compress(between.join(filtered) + between, 0)
        tall = np.asarray(Image.frombytes(mode, (width, rows), stored, "zip", mode, 0))
    except (ValueError, OSError):
        return None
    return np.ascontiguousarray(tall.reshape(len(filtered), height + 1, width, channels)[:, :height])


def _filtered_size(shape: tuple[int, int, int]) -> int:
    height, width, channels = shape
    return height * (width * channels + 1)


@functools.lru_cache(maxsize=64)  # the images of a set begin alike
def _shape(begin: bytes) -> tuple[int, int, int] | None:
    """(h, w, c) of a file's signature and IHDR; None where they are damaged, or not of a plain PNG."""
    if len(begin) < _BEGIN or not begin.startswith(SIGNATURE + b"\0\0\0\x0dIHDR"):
        return None
    if zlib.crc32(begin[len(SIGNATURE) + 4 : -_SUM.size]) != _SUM.unpack_from(begin, _BEGIN - _SUM.size)[0]:
        return None
    width, height, depth, colours, *others = _HEADER.unpack_from(begin, len(SIGNATURE) + _HEAD.size)
    if colours not in _MODES or (depth, others) != (8, [0, 0, 0]) or not 0 < width * height <= _MOST_PIXELS:
        return None
    return height, width, 3 if colours == 2 else 1


def _data(content: bytes) -> bytes | None:
    """The parts of IDAT; None where a chunk is damaged, missing, or may matter."""
    at, data = _BEGIN, []
    try:
        while True:
            size, kind = _HEAD.unpack_from(content, at)
            body, at = at + _HEAD.size, at + _HEAD.size + size
            if zlib.crc32(content[body - 4 : at]) != _SUM.unpack_from(content, at)[0]:
                return None
            at += _SUM.size
            if kind == b"IDAT":
                data.append(content[body : body + size])
                if len(content) == at + len(_END) and content.endswith(_END):
                    return b"".join(data)
            elif kind == b"IEND":
                return b"".join(data) or None
            elif kind not in _UNSEEN:
                return None
    except struct.error:
        return None
