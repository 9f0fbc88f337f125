"""What a receipt is judged by beside itself, and when it happened by the programme's calendar."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from loyalty.conditions import EVENT, Scope
from loyalty.earning.rule_set import Period
from loyalty.timing import on_the_wall

_CHANGING = ("member.points", "member.expiring_points")  # asking the ledger costs each receipt
_OF_LINES = ("event.amount_minor", "event.categories", "event.skus", "event.first_purchase")
CONDITIONS = Scope(
    "earning",
    {k: v for k, v in EVENT.variables.items() if k not in (*_CHANGING, *_OF_LINES)},
)
"""What a rule's condition may ask: the member and the place; never what a return changes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When it happened, as the programme's clock shows it."""

    at: datetime
    weekday: int  # Monday is 0
    day: date
    clock: time

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> "Moment":
        wall = at.astimezone(zone)
        return cls(at, wall.weekday(), wall.date(), wall.time())

    def eve(self) -> "Moment":
        """The same as a part of the night of the day before."""
        return Moment(self.at, (self.weekday - 1) % 7, self.day - timedelta(days=1), self.clock)


class Card(Protocol):
    """A personal multiplier on spend points, for a time."""

    @property
    def key(self) -> str: ...
    @property
    def multiplier_bp(self) -> int: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What a receipt is judged by beside itself, all as of when it happened.

    `tiers` are the tier and, of a paid level, also the one it ranks as.
    `used` is what counters have granted, by counter and period; `bought` are products bought
    before; `asked` answers conditions and is only needed where there are any. `unpayable` are
    categories that are always paid in money.
    """

    tiers: frozenset[str] = frozenset()
    cards: Sequence[Card] = ()
    used: Mapping[tuple[str, str], int] = field(default_factory=dict)
    bought: frozenset[str] = frozenset()
    asked: Mapping[str, object] = field(default_factory=dict)
    unpayable: Collection[str] = ()


def period_key(per: Period, day: date) -> str:
    """The period a day belongs to, by the programme's calendar (rule 12)."""
    if per == "day":
        return day.isoformat()
    if per == "week":
        return day.strftime("%G-W%V")
    return day.strftime("%Y-%m") if per == "month" else "ever"


def instant(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """A written moment as an instant; a date as an end is the end of that local day."""
    if len(text) == 10:
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return on_the_wall(datetime.combine(day, time()), zone)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else on_the_wall(at, zone)
