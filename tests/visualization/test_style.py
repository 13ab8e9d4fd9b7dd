import matplotlib
import pytest

from jaxcnn.visualization import bars, encode_png
from jaxcnn.visualization.style import short_number, styled


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.05, "0.05"),
        (20.0, "20"),
        (5e3, "5,000"),
        (1e4, "10k"),
        (2.5e5, "250k"),
        (1e6, "1M"),
        (5e10, "50G"),
    ],
)
def test_short_number(value, text):
    assert short_number(value) == text


def test_the_users_settings_neither_change_nor_matter():
    ours = encode_png(bars({"a": 1}, title="t", xlabel="x"))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        assert encode_png(bars({"a": 1}, title="t", xlabel="x")) == ours
        assert dict(matplotlib.rcParams) == before


def test_settings_return_after_an_error():
    before = dict(matplotlib.rcParams)
    with pytest.raises(RuntimeError), styled("고양이"):
        raise RuntimeError
    assert dict(matplotlib.rcParams) == before
