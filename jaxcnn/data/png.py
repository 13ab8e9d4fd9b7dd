"""The plainest PNGs, which most sets consist of, at half the cost: their pixels, and None for every other file.

Small files cost Pillow more to take apart than to decode. What is left to it here is its decoder, in C.
"""

import struct
import zlib

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MODES = {0: "L", 2: "RGB"}  # PNG's colour types
_UNSEEN = frozenset({b"pHYs", b"tEXt", b"tIME", b"gAMA", b"sRGB"})  # chunks that change no pixel as Pillow reads them
_MOST_PIXELS = 2**20
_HEAD = struct.Struct(">I4s")
_HEADER = struct.Struct(">IIBBBBB")
_SUM = struct.Struct(">I")


def plain_png(content: bytes) -> Image.Image | None:
    """The image of a whole, undamaged PNG of 8 bits a sample, grey or RGB; None where Pillow must look closer.

    Source: Portable Network Graphics Specification, third edition, sections 5 and 11.
    """
    if not content.startswith(SIGNATURE):
        return None
    try:
        header, data = _chunks(content)
        if header is None or not data:
            return None
        (width, height), mode = header[:2], _MODES.get(header[3])
        if mode is None or header[2:3] + header[4:] != (8, 0, 0, 0) or not 0 < width * height <= _MOST_PIXELS:
            return None
        return Image.frombytes(mode, (width, height), b"".join(data), "zip", mode, 0)
    except (struct.error, ValueError, OSError, zlib.error):
        return None


def _chunks(content: bytes) -> tuple[tuple[int, ...] | None, list[bytes]]:
    """IHDR's fields and the parts of IDAT; no header where a chunk is damaged, missing, or may matter."""
    at, header, data = len(SIGNATURE), None, []
    while True:
        size, kind = _HEAD.unpack_from(content, at)
        body, at = at + _HEAD.size, at + _HEAD.size + size
        if zlib.crc32(content[body - 4 : at]) != _SUM.unpack_from(content, at)[0]:
            return None, []
        at += _SUM.size
        if kind == b"IDAT":
            data.append(content[body : body + size])
        elif kind == b"IHDR" and header is None:
            header = _HEADER.unpack_from(content, body)
        elif kind == b"IEND":
            return header, data
        elif kind not in _UNSEEN:
            return None, []
