import pytest
from PIL import Image

from jaxcnn.visualization import bars, encode_png, save


def figure():
    return bars({"a": 1, "b": 3}, title="t", xlabel="parameters")


def test_a_png_of_150_dots_an_inch_without_notes(tmp_path):
    drawn = figure()
    path = save(drawn, tmp_path / "bars.PNG")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size == tuple(int(inches * 150) for inches in drawn.get_size_inches())
        assert set(image.info) == {"dpi"}


def test_the_same_figure_gives_the_same_bytes():
    assert encode_png(figure()) == encode_png(figure())


def test_another_ending_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.png, .* got '.*bars\.jpg'"):
        save(figure(), tmp_path / "bars.jpg")
    assert list(tmp_path.iterdir()) == []
