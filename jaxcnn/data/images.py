"""One image file as an array of pixels, and nothing believed that the file says of itself."""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from jaxcnn.arguments import Size, as_sizes, refuse_huge, shown
from jaxcnn.data.png import SIGNATURE, plain_png
from jaxcnn.data.readable import readable

SUFFIXES = (".png", ".jpg", ".jpeg")
RESIZES = ("stretch", "pad", "crop")
MOST_PIXELS = 2**26  # of one file, before it is resized: 8,192 × 8,192, more than a camera's

_PNG, _JPEG = SIGNATURE, b"\xff\xd8\xff"
_SMALL = 2**16  # bytes of a file that are read at once
_SMALLEST = 2**12  # and those that are asked for first, as room for more costs time
_BINARY = getattr(os, "O_BINARY", 0)
_PNG_BIT_DEPTH = 24  # where a PNG says how many bits a sample has
_OTHERS = {
    b"GIF8": "a GIF",
    b"RIFF": "a WebP or another RIFF file",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
}
# What Pillow raises for files that are damaged, by accident or on purpose.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error, zlib.error)


class BrokenImageError(ValueError):
    """A file without an image in it, or with a damaged one: what `skip_broken` leaves out."""


def read_image(
    path: str | os.PathLike[str], *, size: Size | None = None, channels: int | None = None, resize: str = "stretch"
) -> UInt8[np.ndarray, "h w c"]:
    """Reads one PNG or JPEG; the content decides which, not the name.

    A photo is turned upright as its EXIF orientation says. An alpha channel that is opaque everywhere is left out.

    Args:
        path: the file.
        size: height and width in pixels, an int for both; None keeps the file's own.
        channels: 1 for grey (of colours the luma of ITU-R BT.601), 3 for RGB (grey three times), None as in the file.
            A palette counts as RGB.
        resize: how another size is reached, bilinearly and without aliasing: "stretch" ignores the proportions, "pad"
            keeps them and fills with black, "crop" keeps them and cuts what lies outside, half on each side.

    Returns:
        Pixels (h, w, c) from 0 to 255.

    Raises:
        ValueError: another size, number of channels or `resize`; a file that is no PNG or JPEG, is cut short or
            damaged (these are a `BrokenImageError`), declares more than 2**26 pixels, has 16 bits a sample, several
            frames, transparent pixels or CMYK colours.
        OSError: a file that cannot be opened.
    """
    target, name = check_form("size", size, channels, resize), os.fspath(path)
    image = _with_channels(name, _decoded(name), channels)
    if target is not None:
        image = _resized(image, target, resize)
    pixels = np.array(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def check_form(name: str, size: Size | None, channels: int | None, resize: str) -> tuple[int, int] | None:
    """The size, which errors call `name`, as (height, width).

    Raises:
        ValueError: a size, a number of channels or a way to resize that does not exist.
    """
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1 for grey, 3 for RGB, or None for the files' own, got {shown(channels)}.")
    if resize not in RESIZES:
        raise ValueError(f"resize must be one of {', '.join(RESIZES)}, got {shown(resize)}.")
    if size is None:
        return None
    height, width = as_sizes(name, size, 2)
    refuse_huge(name, (height, width), MOST_PIXELS)
    return height, width


def _decoded(path: str) -> Image.Image:
    with readable(path):
        start = read_start(path)
    return plain_png(start) or _decoded_by_pillow(path)


def read_start(path: str | os.PathLike[str]) -> bytes:
    """The whole of a small file, or the first 64 KiB of it.

    Raises:
        OSError: as `os.open` and `os.read`.
    """
    # Python's own `open` costs four times as much, and more than decoding a small image.
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        start = os.read(descriptor, _SMALLEST)
        return start if len(start) < _SMALLEST else start + os.read(descriptor, _SMALL - _SMALLEST)
    finally:
        os.close(descriptor)


def _decoded_by_pillow(path: str) -> Image.Image:
    with readable(path), open(path, "rb") as file:
        start = file.read(_PNG_BIT_DEPTH + 1)
        _check_format(path, start)
        file.seek(0)
        # The classes rather than Image.open, which warns of large images before it says what they are.
        with _intact(path):
            image = PngImageFile(file) if start.startswith(_PNG) else JpegImageFile(file)
        _check_declared(path, image, start)
        with _intact(path):
            image.load()
            return ImageOps.exif_transpose(image) if isinstance(image, JpegImageFile) else image


@contextmanager
def _intact(path: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise BrokenImageError(f"{path} must be an intact image, got: {reason}; remove it, or replace it.") from error


def _check_format(path: str, start: bytes) -> None:
    if start.startswith((_PNG, _JPEG)):
        return
    known = [words for mark, words in _OTHERS.items() if start.startswith(mark)]
    got = known[0] if known else f"a file that begins with {start[:12]!r}" if start else "an empty file"
    raise BrokenImageError(f"{path} must be a PNG or JPEG image, got {got}; save it as PNG, or remove it.")


def _check_declared(path: str, image: PngImageFile | JpegImageFile, start: bytes) -> None:
    width, height = image.size
    frames = getattr(image, "n_frames", 1)
    if width * height > MOST_PIXELS:
        raise ValueError(
            f"{path} must have {MOST_PIXELS:,} pixels at most, got {width:,} × {height:,}; "
            "make it smaller, or remove it."
        )
    if frames > 1:
        raise ValueError(f"{path} must be one still image, got {frames} frames; save one of them.")
    if start.startswith(_PNG) and start[_PNG_BIT_DEPTH] == 16:
        raise ValueError(f"{path} must have 8 bits a sample at most, got 16; save it with 8.")
    if image.mode == "CMYK":
        raise ValueError(f"{path} must be grey or RGB, got CMYK colours; save it as RGB.")


def _with_channels(path: str, image: Image.Image, channels: int | None) -> Image.Image:
    if image.has_transparency_data:
        if image.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            raise ValueError(
                f"{path} must be opaque, got transparent pixels; lay it on a background and save it again."
            )
        image.info.pop("transparency", None)
    own = 1 if image.mode in ("1", "L", "LA") else 3
    return image.convert("L" if (channels or own) == 1 else "RGB")


def _resized(image: Image.Image, size: tuple[int, int], resize: str) -> Image.Image:
    height, width = size
    target = (width, height)
    if image.size == target:
        return image
    if resize == "crop":
        return ImageOps.fit(image, target, Image.Resampling.BILINEAR)
    if resize == "stretch":
        return image.resize(target, Image.Resampling.BILINEAR)
    return _padded(image, target)


def _padded(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    # ImageOps.pad fails where a very long image would be less than a pixel wide.
    scale = min(wanted / own for wanted, own in zip(target, image.size, strict=True))
    inner = [max(1, round(own * scale)) for own in image.size]
    canvas = Image.new(image.mode, target)
    place = [(wanted - got) // 2 for wanted, got in zip(target, inner, strict=True)]
    canvas.paste(image.resize((inner[0], inner[1]), Image.Resampling.BILINEAR), (place[0], place[1]))
    return canvas
