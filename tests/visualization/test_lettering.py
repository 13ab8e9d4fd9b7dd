import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager

from jaxcnn.visualization.lettering import lettering
from jaxcnn.visualization.png import encode_png
from jaxcnn.visualization.style import styled

SCRIPT_A = "\N{MATHEMATICAL SCRIPT CAPITAL A}"  # in matplotlib's STIX fonts, not in its DejaVu Sans


def draw(text, **options):
    figure = Figure(figsize=(4, 1))
    figure.text(0.1, 0.5, text, **options)
    return encode_png(figure)


@pytest.fixture
def only_shipped_fonts(monkeypatch):
    shipped = [entry for entry in fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(fontManager, "ttflist", shipped)


def test_common_letters_need_no_other_font():
    assert lettering(["28×28 → 26×26, σ ± 2%", "two\nlines"]).families == ("DejaVu Sans",)


@pytest.mark.parametrize("text", ["$x$", "$5", "a $ b $ c $", r"\$", r"\\$\frac{$", "{}_^~#&%"])
def test_markup_is_drawn_literally(text):
    assert draw(lettering([text])(text)) == draw(text, parse_math=False)


def test_letters_that_no_font_has_are_written_as_codes(only_shipped_fonts):
    plain = lettering(["고양이", "\x07"])
    assert plain.families == ("DejaVu Sans",)
    assert plain("고양 x") == r"\uace0\uc591 x"
    assert plain("a\x07\udcff") == "a\\x07\udcff"  # only letters of the texts it was made for are known to be missing
    draw(plain("고양이"))


def test_a_font_that_has_the_letters_is_found_and_drawn(only_shipped_fonts):
    with styled(SCRIPT_A) as plain:
        assert plain.families[0] == "DejaVu Sans"
        assert plain.families[1].startswith("STIX")
        assert plain(SCRIPT_A) == SCRIPT_A
        drawn = draw(SCRIPT_A)  # a letter missing from every font would warn, and warnings are errors here
    with styled():
        assert drawn != draw("")


def test_a_font_file_that_is_damaged_or_gone_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    entries = [FontEntry(fname=str(tmp_path / name), name="A Sans") for name in ("damaged.ttf", "gone.ttf")]
    monkeypatch.setattr(fontManager, "ttflist", entries)
    assert lettering([SCRIPT_A]).missing == {SCRIPT_A}


def test_lines_are_no_longer_than_the_width_and_lose_no_letter():
    text = "one two $three$ " + "W" * 50 + " 고양이 " + "i" * 300
    lines = lettering([text])(text, 2.0, size=9.0).split("\n")
    canvas = FigureCanvasAgg(Figure(dpi=600))
    widths = [canvas.figure.text(0, 0, line, size=9).get_window_extent(canvas.get_renderer()).width for line in lines]
    assert 1.8 * 600 < max(widths) <= 2.02 * 600  # hinting moves a letter by a fraction of a pixel
    visible = text.replace("고양이", lettering([text])("고양이"))
    assert "".join(lines).replace(r"\$", "$").replace(" ", "") == visible.replace(" ", "")


def test_words_that_fit_stay_whole():
    assert lettering([])("mm mm mm", 4 * 0.98 * 10 / 72 + 0.06) == "mm mm\nmm"
