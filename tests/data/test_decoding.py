"""Files decoded together are what they are alone."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data.decoding import decode_images


def encoded(pixels, kind="png", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def decoded(contents, **options):
    def decode(at):
        alone.append(at)
        pixels = np.array(Image.open(io.BytesIO(contents[at])))
        return pixels if pixels.ndim == 3 else pixels[..., None]

    alone: list[int] = []
    return decode_images(iter(contents), decode, **options), alone


def grey(count, shape=(7, 5)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 3)])
@pytest.mark.parametrize("count", [1, 256, 600])
def test_plain_ones_are_never_decoded_alone(shape, count):
    pixels = grey(count, shape)
    images, alone = decoded([encoded(image) for image in pixels])
    np.testing.assert_array_equal(images, pixels.reshape(count, 7, 5, -1))
    assert alone == []


def test_others_among_them():
    pixels = grey(300)
    contents = [encoded(image) for image in pixels]
    contents[3], contents[290] = encoded(pixels[3], "bmp"), encoded(pixels[290], "tiff")
    images, alone = decoded(contents)
    np.testing.assert_array_equal(images[..., 0], pixels)
    assert alone == [3, 290]


def test_of_several_shapes_each_is_given():
    pixels = [*grey(2), *grey(2, (4, 4)), *grey(1, (7, 5, 3))]
    images, alone = decoded([encoded(image) for image in pixels])
    assert isinstance(images, list)
    for found, expected in zip(images, pixels, strict=True):
        np.testing.assert_array_equal(found.squeeze(), expected)
    assert alone == []


def test_those_that_must_be_changed_are_left_to_the_caller():
    contents = [encoded(image) for image in grey(3)]
    assert decoded(contents, fits=lambda shape: shape == (7, 5, 1))[1] == []
    assert decoded(contents, fits=lambda shape: shape == (5, 7, 1))[1] == [0, 1, 2]
