"""Text that reaches a figure as it was given: no mathtext, no missing letters, no line too long."""

import string
from collections.abc import Iterable, Iterator, Mapping
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
    """The font families that some texts need, the letters that no installed font has, and how wide letters are."""

    families: tuple[str, ...]
    missing: frozenset[str]
    widths: Mapping[str, float]  # in units of the font size

    def __call__(self, text: str, width: float | None = None, size: float = 10.0) -> str:
        r"""`text` ready for matplotlib: `$` literal, missing letters as `\uXXXX`, lines no longer than `width`.

        Args:
          text: one of the texts that this lettering was made for, or made of them.
          width: the longest line, in inches; None leaves the lines as they are.
          size: the font size, in points.
        """
        visible = "".join(_escaped(letter) if letter in self.missing else letter for letter in text)
        return (visible if width is None else self._broken(visible, width * 72 / size)).replace("$", r"\$")

    def _broken(self, text: str, limit: float) -> str:
        lines: list[str] = []
        for word in text.split():
            pieces = list(self._pieces(word, limit))
            if lines and self._width(f"{lines[-1]} {pieces[0]}") <= limit:
                lines[-1] += f" {pieces.pop(0)}"
            lines += pieces
        return "\n".join(lines)

    def _pieces(self, word: str, limit: float) -> Iterator[str]:
        start = 0
        for end in range(1, len(word) + 1):
            if end - start > 1 and self._width(word[start:end]) > limit:
                yield word[start : end - 1]
                start = end - 1
        yield word[start:]

    def _width(self, text: str) -> float:
        return sum(self.widths.get(letter, 1.0) for letter in text)


def lettering(texts: Iterable[str]) -> Lettering:
    """Choose fonts for `texts`: DejaVu Sans, which matplotlib ships, then any installed font that has the rest.

    Matplotlib draws an empty box and warns for a letter that its fonts lack, so two Korean class names would
    look alike; a letter that no font has is written as its code instead, which stays readable.
    """
    shipped = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", _SHIPPED_FILE)))
    used = set().union(*texts) - {"\n"}
    known = _letters(shipped)
    families, missing = [SHIPPED_FAMILY], used - known
    for family, letters in _other_fonts() if missing else ():
        if missing & letters:
            families.append(family)
            missing -= letters
        if not missing:
            break
    return Lettering(tuple(families), frozenset(missing), _widths(shipped, known & (used | set(string.printable))))


def _widths(font: FT2Font, letters: Iterable[str]) -> dict[str, float]:
    font.set_size(10, 72)
    # FreeType gives the advance as a 16.16 fixed-point number.
    return {letter: font.load_char(ord(letter)).linearHoriAdvance / 65536 / 10 for letter in letters}


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
