"""What a message weighs: SMS segments, the length of a subject line, what is cut off on a phone.

SMS: the GSM 03.38 alphabet takes 160 characters in one segment and 153 in each of several, with ten
signs that count twice; anything outside it turns the whole text into UCS-2, with 70 and 67 units of
16 bits, of which an emoji takes two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("\f^{}\\[~]|€")
SEGMENT: dict[Encoding, tuple[int, int]] = {"gsm7": (160, 153), "ucs2": (70, 67)}
"""Units in a text of one segment, and in each segment of a longer one."""

SUBJECT_LATIN, SUBJECT_CHINESE = 60, 30
"""Beyond so many characters mail programs cut a subject off; a Chinese one is twice as wide."""


@dataclass(frozen=True, slots=True)
class Sms:
    """What a text would cost as SMS. `left` are the units that the last segment still holds."""

    encoding: Encoding
    units: int
    segments: int
    left: int
    because: str | None  # the first sign that makes it UCS-2


@dataclass(frozen=True, slots=True)
class Weight:
    """One rendered message, measured in characters."""

    subject: int
    subject_limit: int
    text: int
    sms: Sms

    @property
    def subject_too_long(self) -> bool:
        return self.subject > self.subject_limit


def weigh(subject: str, text: str) -> Weight:
    """Measure a message; as SMS only its text would go."""
    chinese = any("\u2e80" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef" for sign in subject)
    limit = SUBJECT_CHINESE if chinese else SUBJECT_LATIN
    return Weight(len(subject), limit, len(text), sms(text))


def sms(text: str) -> Sms:
    """Encoding and segments of a text, as telephone networks count them."""
    because = next((sign for sign in text if sign not in _GSM7 and sign not in _GSM7_TWICE), None)
    encoding: Encoding = "ucs2" if because is not None else "gsm7"
    sizes = list(_sizes(text, encoding))
    alone, each = SEGMENT[encoding]
    units = sum(sizes)
    if units <= alone:
        return Sms(encoding, units, 1 if units else 0, alone - units if units else 0, because)
    segments, filled = 1, 0
    for size in sizes:
        # A sign of two units is never cut in half between two segments.
        if filled + size > each:
            segments, filled = segments + 1, 0
        filled += size
    return Sms(encoding, units, segments, each - filled, because)


def _sizes(text: str, encoding: Encoding) -> Iterator[int]:
    for sign in text:
        if encoding == "gsm7":
            yield 2 if sign in _GSM7_TWICE else 1
        else:
            yield 2 if ord(sign) > 0xFFFF else 1
