"""How wide a text will be, and where to break it: an estimate that errs on the wide side."""

import re
import unicodedata
from functools import lru_cache

TITLE, SMALL = 14, 12  # pixels: the sizes of a node's title, and of its details
_WORDS = re.compile(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]")
_NARROW = frozenset("iljtfrI1.,:;'|!()[] ")
_LINES_MAX = 6


def width_of(text: str, size: int) -> float:
    """Pixels, for any of the fonts that a reader may have."""
    bold = 1.13 if size == TITLE else 1.0
    return sum(_em(letter) for letter in text) * size * bold


@lru_cache(4096)  # pictures of one plan are drawn again with every look at it
def wrapped(text: str, width: float, size: int) -> tuple[str, ...]:
    """The text in lines of at most `width` pixels, at most six; a mark says that there was more."""
    lines, line = [], ""
    for word in _WORDS.findall(text.strip()):
        for part in _broken(word, width, size):
            if line.strip() and width_of(line + part, size) > width:
                lines.append(line.strip())
                line = ""
            line += part
    lines.append(line.strip())
    if len(lines) <= _LINES_MAX:
        return tuple(lines)
    last = lines[_LINES_MAX - 1]
    while last and width_of(last + "…", size) > width:
        last = last[:-1]
    return (*lines[: _LINES_MAX - 1], last + "…")


def shortened(text: str, width: float, size: int) -> str:
    """The text on one line."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _em(letter: str) -> float:
    if letter in _NARROW:
        return 0.37
    if unicodedata.east_asian_width(letter) in "WFA":
        return 1.0
    return 0.78 if letter.isupper() or letter in "mw%≥≤→@…“”" else 0.6


def _broken(word: str, width: float, size: int) -> list[str]:
    """A word that no line could hold, in pieces."""
    parts, part = [], ""
    for letter in word:
        if part and width_of(part + letter, size) > width:
            parts.append(part)
            part = ""
        part += letter
    return [*parts, part]
