"""Facts about a member that a condition asks for by a key, such as a window or a category.

Looked up only where a condition names them: `member.spend_within["90"]` asks for the window of 90
days, `member.days_since_store["riverside"]` for that store. The keys stand in the condition as
texts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.conditions import HISTORY, MEMBER, Condition
from loyalty.members import NEVER_DAYS
from loyalty.timing import MAX_DAYS

_TEXTS = re.compile(r'"((?:[^"\\\n]|\\.)*)"' + r"|'((?:[^'\\\n]|\\.)*)'")


@dataclass(frozen=True, slots=True)
class Asked:
    """What conditions ask of members' history: the names, and every text that may be a key."""

    names: frozenset[str]
    keys: tuple[str, ...]

    @property
    def windows(self) -> tuple[int, ...]:
        """The keys that can be a number of days."""
        numbers = [int(key) for key in self.keys if re.fullmatch(r"[1-9]\d{0,3}", key)]
        return tuple(number for number in numbers if number <= MAX_DAYS)


@dataclass(frozen=True, slots=True)
class History:
    """What a member did, by key; a category or store that is not named was never bought from."""

    spend: Mapping[int, int]  # days back -> minor units, refunds taken off
    categories: Mapping[str, datetime]  # -> the latest receipt with it
    stores: Mapping[str, datetime]
    consents: tuple[str, ...]  # "email/marketing": what the contact gate would let pass


def asked_by(conditions: Iterable[str | None]) -> Asked:
    """What these conditions over members need."""
    names: set[str] = set()
    keys: dict[str, None] = {}
    for text in conditions:
        named = Condition(text, MEMBER).names & HISTORY if text else set()
        if text and named:
            names |= named
            keys |= {_plain(found[1] or found[2] or ""): None for found in _TEXTS.finditer(text)}
    return Asked(frozenset(names), tuple(keys))


def keyed_facts(
    asked: Asked, known: History, coming: Sequence[tuple[datetime, int]], now: datetime
) -> Mapping[str, object]:
    """One member's history as conditions see it: every key that is asked for has an answer."""

    def days_since(latest: Mapping[str, datetime]) -> dict[str, int]:
        return {
            key: (now - latest[key]).days if key in latest else NEVER_DAYS for key in asked.keys
        }

    facts: dict[str, object] = {
        "member.spend_within": {str(days): known.spend.get(days, 0) for days in asked.windows},
        "member.days_since_category": days_since(known.categories),
        "member.days_since_store": days_since(known.stores),
        "member.consents": list(known.consents),
        "member.expiring_within": {
            str(days): sum(points for at, points in coming if at < now + timedelta(days=days))
            for days in asked.windows
        },
    }
    return {name: fact for name, fact in facts.items() if name in asked.names}


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)
