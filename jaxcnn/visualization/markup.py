"""Text and numbers as HTML."""

import html
import unicodedata


def escape(text: str) -> str:
    r"""`text` so that a page shows it literally, in an element or in a quoted attribute.

    Letters that a page cannot hold (control characters, lone surrogates from file names) become visible `\x..` codes.
    """
    return html.escape("".join(letter if _allowed(letter) else _code(letter) for letter in text), quote=True)


def _allowed(letter: str) -> bool:
    return letter in "\n\t" or (unicodedata.category(letter) not in ("Cc", "Cs") and not _is_noncharacter(ord(letter)))


def _is_noncharacter(number: int) -> bool:
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF


def _code(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
