import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.visualization import images

DIGITS = np.arange(7 * 8 * 8, dtype=np.uint8).reshape(7, 8, 8)


def test_every_image_keeps_its_pixels_and_gets_its_caption(assert_legible):
    captions = [f"digit {i}" for i in range(7)]
    figure = images(DIGITS, captions, title="Samples", columns=3)
    assert_legible(figure)
    assert [axes.get_title() for axes in figure.axes] == captions
    for axes, digit in zip(figure.axes, DIGITS, strict=True):
        (shown,) = axes.images
        assert np.array_equal(shown.get_array(), digit)
        assert shown.get_clim() == (0, 255)
    lefts = {round(axes.get_position().x0, 3) for axes in figure.axes}
    assert len(lefts) == 3


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_last_floats_are_shown_as_they_are(channels):
    pixels = np.linspace(0, 1, 2 * 4 * 5 * channels, dtype=np.float32).reshape(2, 4, 5, channels)
    figure = images(jnp.asarray(pixels), title="t")
    shown = np.asarray(figure.axes[1].images[0].get_array())
    assert np.array_equal(shown, pixels[1, ..., 0] if channels == 1 else pixels[1])


def test_half_precision_is_accepted():
    (axes,) = images(jnp.full((1, 2, 2), 0.5, jnp.bfloat16), title="t").axes
    assert np.asarray(axes.images[0].get_array()).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_long_captions_are_broken(assert_legible):
    assert_legible(images(DIGITS, ["T-shirt/top, the one with $ and long words"] * 7, title="a long title " * 20))


@pytest.mark.parametrize(
    ("pictures", "captions", "message"),
    [
        (DIGITS[0], None, r"got \(8, 8\)"),
        (np.zeros((1, 4, 4, 2), np.uint8), None, r"1, 3 or 4 channels, got \(1, 4, 4, 2\)"),
        (DIGITS[:0], None, r"got \(0, 8, 8\)"),
        (DIGITS.astype(np.int32), None, "uint8 or floating point, got int32"),
        (DIGITS.astype(np.float32), None, "in 0 to 1, got 0 to 255"),
        (np.full((1, 2, 2), np.nan), None, "in 0 to 1, got nan"),
        (DIGITS, ["one"], "1 texts for 7 images"),
        (np.zeros((401, 2, 2), np.uint8), None, "401 images"),
    ],
)
def test_refused(pictures, captions, message):
    with pytest.raises(ValueError, match=message):
        images(pictures, captions, title="t")


def test_columns_below_one_are_refused():
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        images(DIGITS, title="t", columns=0)
