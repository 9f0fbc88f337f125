"""What a slip is written on, and the pieces it is written in, wherever it is shown."""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision

from loyalty.slips.words import SlipWords


@dataclass(frozen=True, slots=True)
class Text:
    """One line. `title` says what happened, `key` names it, `head` opens a part of the slip."""

    text: str
    kind: Literal["title", "key", "head", "item", "sum"] = "item"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its id, what it did or why it did not, and the figure behind it."""

    rule: str
    said: str
    more: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A receipt's lines; `figures` are the columns that stand to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: range


Row = Text | Rule | Grid


@dataclass(frozen=True, slots=True)
class Paper:
    """What a slip is written on: its language, currency and zone."""

    words: SlipWords
    currency: str
    zone: ZoneInfo

    def line(self, name: str, **figures: object) -> str:
        return self.words.lines[name].format(**figures)

    def money(self, minor: int) -> str:
        """Minor units as people write them; a currency may have none."""
        places: int = get_currency_precision(self.currency)
        whole, part = divmod(minor, 10**places)
        return f"{whole:,}" + (f".{part:0{places}}" if places else "") + f" {self.currency}"

    def why(self, code: str) -> str:
        """A reason in words; one that this program does not know is shown as it is."""
        return self.words.reasons.get(code, code)

    def name(self, code: str) -> str:
        """An event or a lot as people call it; ids stay as they are."""
        return self.words.names.get(code, code)
