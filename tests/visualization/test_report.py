import base64
import io
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure
from PIL import Image

from jaxcnn.visualization import Link, Note, Picture, Section, Table, encode_png, report

EVIL = "\"><script>alert('<b>x</b>')</script>&amp;"
VOID = {"meta", "img"}


class Page(HTMLParser):
    """The elements, attributes and texts of a page; fails on a tag that does not match."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_decl(self, decl):
        assert decl == "DOCTYPE html"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def png():
    figure = Figure(figsize=(4, 2))
    figure.text(0, 0, "x")
    return encode_png(figure)


@pytest.fixture(scope="module")
def page(png):
    table = Table([{EVIL: EVIL, "n": 1}], EVIL)
    section = Section(EVIL, [EVIL, table, Picture(png, alt=EVIL, caption=EVIL), Note(EVIL)])
    return report(EVIL, [section], introduction=[Note(EVIL, warning=True)], environment={EVIL: EVIL}, lang="ko")


def test_the_page_is_whole_and_well_formed(page):
    assert page.startswith("<!DOCTYPE html>\n")
    parsed = Page(page)
    assert parsed.all("html") == [{"lang": "ko"}]
    assert parsed.all("meta") == [
        {"charset": "utf-8"},
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    ]
    names = [tag for tag, _ in parsed.tags]
    assert [names.count(tag) for tag in ("title", "h1", "main", "footer", "style", "caption")] == [1] * 6
    assert all(attributes["scope"] in ("col", "row") for attributes in parsed.all("th"))


def test_every_text_appears_literally_and_none_is_markup(page):
    parsed = Page(page)
    assert parsed.all("script") == []
    assert parsed.all("b") == []
    # In title, h1, note, h2, paragraph, table's caption, heading and cell, picture's caption, note, footer's two.
    assert "".join(parsed.texts).count(EVIL) == 12
    assert parsed.all("img")[0]["alt"] == EVIL


def test_nothing_is_loaded_from_elsewhere(page):
    links = [value for _, attributes in Page(page).tags for key, value in attributes.items() if key in ("src", "href")]
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert not re.search(r"https?://|@import|url\(", page)


def test_the_picture_is_embedded_at_its_size_on_paper(page, png):
    (picture,) = Page(page).all("img")
    data = base64.b64decode(picture["src"].removeprefix("data:image/png;base64,"))
    assert data == png
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (600, 300)
    assert (picture["width"], picture["height"]) == ("384", "192")  # 4 by 2 inches of 96 pixels


def test_a_warning_and_a_note_say_which_they_are(page):
    classes = [attributes["class"] for attributes in Page(page).all("div") if attributes.get("role") == "note"]
    assert classes == ["warning", "note"]
    assert page.index("Warning:") < page.index("Note:")


def test_the_same_report_gives_the_same_page(png):
    assert report("t", [Section("s", [Picture(png, "a")])]) == report("t", [Section("s", [Picture(png, "a")])])


def test_no_environment_leaves_no_footer():
    assert "footer" not in [tag for tag, _ in Page(report("t", [])).tags]


def test_what_is_not_a_png_or_not_described_is_refused(png):
    with pytest.raises(ValueError, match="png must hold a PNG file's bytes, got b'JFIF'"):
        report("t", [Section("s", [Picture(b"JFIF", "a")])])
    with pytest.raises(ValueError, match="alt is empty"):
        report("t", [Section("s", [Picture(png, " ")])])


def test_another_kind_of_block_is_refused():
    with pytest.raises(TypeError):
        report("t", [], introduction=[3])


def test_a_link_is_literal_too():
    page = Page(report("t", [Section("s", [Link(EVIL, "a < b")])]))
    assert page.all("a") == [{"href": EVIL}]
    assert "a < b" in page.texts
