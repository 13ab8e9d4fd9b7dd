"""One HTML page that needs nothing beside it: text, tables, figures and notes."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jaxcnn.visualization.markup import escape
from jaxcnn.visualization.stylesheet import STYLESHEET
from jaxcnn.visualization.table import Table, render_table

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PIXEL_RATIO = 150 / 96  # a figure has 150 dots an inch, a page 96 pixels


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Attributes:
      png: PNG bytes, such as `encode_png(figure)`.
      alt: what the picture shows, for a reader who cannot see it.
      caption: a text below it; empty for none.
    """

    png: bytes
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Note:
    """A banner, such as "Shipped sample: 8,000 training images, not the full set".

    Attributes:
      text: what the reader must not miss.
      warning: whether it limits what the results mean, rather than only adding to them.
    """

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Link:
    """A way to another page, such as a report beside this one.

    Attributes:
      href: its address, relative to this page or whole.
      text: what the reader sees.
    """

    href: str
    text: str


Block: TypeAlias = str | Table | Picture | Note | Link


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
      heading: its title.
      blocks: in reading order; a plain text is a paragraph.
    """

    heading: str
    blocks: Sequence[Block]


def report(
    title: str,
    sections: Sequence[Section],
    *,
    introduction: Sequence[Block] = (),
    environment: Mapping[str, object] | None = None,
    lang: str = "en",
) -> str:
    """One self-contained HTML page, readable on a laptop, on a phone, in a dark scheme and on paper.

    Every text is shown literally: none of it is markup. Write the page with `write_atomically`.

    Args:
      title: the page's title and first heading.
      sections: the parts, in order.
      introduction: blocks before the first section: what was asked, what was found, what limits it.
      environment: name -> value for the footer: versions, device, command, date.
      lang: the language of the texts, as in `<html lang>`.

    Returns:
      The page.

    Raises:
      ValueError: a picture that is no PNG or has no `alt`, or a table whose rows and columns do not agree.
      TypeError: a block of another kind, or a table row that is neither a record nor a sequence.
    """
    parts = [*map(_block, introduction), *map(_section, sections)]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{escape(lang)}">',
            _head(title),
            f"<body>\n<main>\n<h1>{escape(title)}</h1>",
            *parts,
            "</main>",
            _footer(environment or {}) + "</body>\n</html>\n",
        ]
    )


def _head(title: str) -> str:
    return (
        f'<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{STYLESHEET}</style>\n</head>"
    )


def _section(section: Section) -> str:
    return "\n".join(["<section>", f"<h2>{escape(section.heading)}</h2>", *map(_block, section.blocks), "</section>"])


def _block(block: Block) -> str:
    match block:
        case str():
            return f"<p>{escape(block)}</p>"
        case Table():
            return render_table(block)
        case Picture():
            return _picture(block)
        case Note():
            return _note(block)
        case Link():
            return f'<p><a href="{escape(block.href)}">{escape(block.text)}</a></p>'
    raise TypeError(
        f"a block must be a str, Table, Picture, Note or Link, got {type(block).__name__}: wrap it in one of them."
    )


def _note(note: Note) -> str:
    kind, word = ("warning", "Warning") if note.warning else ("note", "Note")
    return f'<div class="{kind}" role="note"><p><strong>{word}:</strong> {escape(note.text)}</p></div>'


def _picture(picture: Picture) -> str:
    if not picture.alt.strip():
        raise ValueError("alt is empty: describe the picture for a reader who cannot see it.")
    width, height = _size(picture.png)
    caption = f"\n<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    return (
        f'<figure>\n<div class="scroll" role="region" tabindex="0" aria-label="{escape(picture.alt)}">'
        f'<img width="{width}" height="{height}" alt="{escape(picture.alt)}" '
        f'src="data:image/png;base64,{base64.b64encode(picture.png).decode()}"></div>{caption}\n</figure>'
    )


def _size(png: bytes) -> tuple[int, int]:
    """Width and height on the page, from the header that every PNG starts with."""
    if not png.startswith(_PNG_START) or len(png) < 24:
        raise ValueError(f"png must hold a PNG file's bytes, got {png[:8]!r}: encode a figure with encode_png.")
    width, height = struct.unpack(">II", png[16:24])
    return round(width / _PIXEL_RATIO), round(height / _PIXEL_RATIO)


def _footer(environment: Mapping[str, object]) -> str:
    entries = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in environment.items())
    return f"<footer>\n<h2>Environment</h2>\n<dl>\n{entries}\n</dl>\n</footer>\n" if entries else ""
