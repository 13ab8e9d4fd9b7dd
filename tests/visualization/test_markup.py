import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxcnn.visualization.markup import escape


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("\"><script>'", "&quot;&gt;&lt;script&gt;&#x27;"),
        ("&amp;", "&amp;amp;"),
        ("고양이 ± 1\n", "고양이 ± 1\n"),
        ("\0\x1b[0m\r\x85", r"\x00\x1b[0m\r\x85"),
        ("\udcff\uffff", r"\udcff\uffff"),
    ],
)
def test_escape(text, written):
    assert escape(text) == written


@given(st.text())
def test_every_text_is_inert_and_encodes(text):
    written = escape(text)
    written.encode()
    assert not set(written) & set("<>\"'")
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in written if letter not in "\n\t")
    if text.isprintable():
        assert html.unescape(written) == text
