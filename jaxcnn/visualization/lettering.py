"""Text that reaches a figure as it was given: no mathtext, no missing letters, no line too long."""

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ft2font import FT2Font

SHIPPED_FAMILY = "DejaVu Sans"
_SHIPPED_FILE = "DejaVuSans.ttf"
_PLACEHOLDERS = "Last Resort"  # a font whose every letter is a box naming the alphabet


@dataclass(frozen=True)
class Lettering:
    """The font families that some texts need, and the letters that no installed font has."""

    families: tuple[str, ...]
    missing: frozenset[str]

    def __call__(self, text: str, width: int | None = None) -> str:
        r"""`text` ready for matplotlib: broken at `width` letters, `$` literal, missing letters as `\uXXXX`."""
        visible = "".join(_escaped(letter) if letter in self.missing else letter for letter in text)
        return (visible if width is None else _wrapped(visible, width)).replace("$", r"\$")


def lettering(texts: Iterable[str]) -> Lettering:
    """Choose fonts for `texts`: DejaVu Sans, which matplotlib ships, then any installed font that has the rest.

    Matplotlib draws an empty box and warns for a letter that its fonts lack, so two Korean class names would
    look alike; a letter that no font has is written as its code instead, which stays readable.
    """
    missing = set().union(*texts) - {"\n"} - _shipped_letters()
    families = [SHIPPED_FAMILY]
    for family, letters in _other_fonts() if missing else ():
        if missing & letters:
            families.append(family)
            missing -= letters
        if not missing:
            break
    return Lettering(tuple(families), frozenset(missing))


def _shipped_letters() -> frozenset[str]:
    return _letters(FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", _SHIPPED_FILE))))


def _other_fonts() -> Iterator[tuple[str, frozenset[str]]]:
    for entry in sorted(fontManager.ttflist, key=_plainest_first):
        if _PLACEHOLDERS not in entry.name and Path(entry.fname).is_file():
            yield entry.name, _outline_letters(entry.fname)


def _plainest_first(entry: FontEntry) -> tuple[bool, bool, str]:
    return "Sans" not in entry.name, entry.style != "normal" or str(entry.weight) not in ("400", "normal"), entry.name


def _outline_letters(path: str) -> frozenset[str]:
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):  # a damaged font is no reason not to draw
        return frozenset()
    return _letters(font) if font.scalable else frozenset()


def _letters(font: FT2Font) -> frozenset[str]:
    return frozenset(map(chr, font.get_charmap()))


def _escaped(letter: str) -> str:
    return letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 127 else repr(letter)[1:-1]


def _wrapped(text: str, width: int) -> str:
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return "\n".join(textwrap.wrap(text, max(1, width // 2 if wide else width)))
