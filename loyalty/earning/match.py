"""Which rules hold for a receipt or another act, and why the others do not.

A rule set is made ready once and then asked for every receipt: sets for look-ups, instants for
windows, conditions compiled, and each reason that never changes made beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from loyalty.conditions import EVENT, Condition, Scope
from loyalty.earning.breakdown import Counted, Kind, Reason
from loyalty.earning.holidays import is_holiday
from loyalty.earning.rule_set import WEEKDAYS, Cap, Period, Rule
from loyalty.events import Line, MemberEvent, Purchase
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

    `used` is what counters have granted, by counter and period; `bought` are products bought
    before; `asked` answers conditions and is only needed where there are any.
    """

    tier: str = "ordinary"
    cards: Sequence[Card] = ()
    used: Mapping[tuple[str, str], int] = field(default_factory=dict)
    bought: frozenset[str] = frozenset()
    asked: Mapping[str, object] = field(default_factory=dict)


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


class ReadyRule:
    """One rule, made ready to be asked."""

    def __init__(self, rule: Rule, caps: Sequence[tuple[str, Cap]], zone: ZoneInfo) -> None:
        when = rule.when
        self.rule = rule
        self.caps = caps
        self.starts = instant(rule.valid_from, zone) if rule.valid_from else None
        self.ends = instant(rule.valid_until, zone, end=True) if rule.valid_until else None
        self.kind: Kind = (
            "rate" if rule.rate_bp is not None else "points" if rule.points else "bonus"
        )
        self.bp = rule.rate_bp if rule.rate_bp is not None else rule.bonus_bp or 0
        self.condition = Condition(when.condition, CONDITIONS) if when.condition else None
        self.stores = frozenset(when.stores or ())
        self.channels = frozenset(when.channels or ())
        self.tiers = frozenset(when.tiers or ())
        self.weekdays = frozenset(WEEKDAYS.index(day) for day in when.weekdays or ())
        self.hours = (
            (time.fromisoformat(when.hours.since), time.fromisoformat(when.hours.until))
            if when.hours
            else None
        )
        self.skus = frozenset(when.skus or ())
        self.categories = frozenset(when.categories or ())
        self.brands = frozenset(when.brands or ())
        self.yes = self._reason("applies", applied=True)
        self._no: dict[str, Reason] = {}

    def counts_at(self, at: datetime) -> bool:
        return (self.starts is None or self.starts <= at) and (self.ends is None or at < self.ends)

    def no(self, code: str) -> Reason:
        if code not in self._no:
            self._no[code] = self._reason(code, applied=False)
        return self._no[code]

    def why_not(
        self, store: str | None, channel: str | None, facts: Facts, moment: Moment
    ) -> str | None:
        """What about the place, the member or the hour does not fit; none when all does."""
        if self.weekdays and moment.weekday not in self.weekdays:
            return "other_weekday"
        if self.tiers and facts.tier not in self.tiers:
            return "other_tier"
        if self.stores and store not in self.stores:
            return "other_store"
        if self.channels and channel not in self.channels:
            return "other_channel"
        if self.hours and not _within(self.hours, moment.clock):
            return "other_hours"
        days = self.rule.when.holidays
        if days and not is_holiday(moment.day, days.country, days.names):
            return "no_holiday"
        if self.condition and not self.condition.fits(facts.asked):
            return "condition_not_met"
        return None

    def chooses(self, line: Line) -> bool:
        return (
            (not self.skus or line.sku in self.skus)
            and (not self.categories or line.category in self.categories)
            and (not self.brands or line.brand in self.brands)
        )

    def counted(self, facts: Facts, moment: Moment) -> tuple[Counted, ...]:
        """The caps of this rule, with the room that is left in each."""
        return room_in(self.caps, facts, moment)

    def fitting(
        self, lines: tuple[int, ...] | None, caps: tuple[Counted, ...], ref: str | None = None
    ) -> Reason:
        """The rule as one that holds so far; thresholds, groups and caps come later."""
        if lines is None and not caps and ref is None:
            return self.yes
        return self._reason("applies", applied=True, lines=lines, caps=caps, ref=ref)

    def _reason(
        self,
        code: str,
        *,
        applied: bool,
        lines: tuple[int, ...] | None = None,
        caps: tuple[Counted, ...] = (),
        ref: str | None = None,
    ) -> Reason:
        return Reason(
            rule=self.rule.id,
            kind=self.kind,
            applied=applied,
            reason=code,
            bp=self.bp,
            points=self.rule.points or 0,
            ref=ref or self.rule.campaign,
            fits=applied,
            lines=lines,
            from_minor=self.rule.when.from_minor,
            group=self.rule.group,
            caps=caps,
        )


def room_in(caps: Sequence[tuple[str, Cap]], facts: Facts, moment: Moment) -> tuple[Counted, ...]:
    """Caps with the room left in each period that the moment belongs to."""
    found = []
    for counter, cap in caps:
        period = period_key(cap.per, moment.day)
        room = cap.points - facts.used.get((counter, period), 0)
        found.append(Counted(counter, cap.per, period, room))
    return tuple(found)


def matching(
    rules: Sequence[ReadyRule],
    purchase: Purchase,
    counting: Sequence[int],
    facts: Facts,
    moment: Moment,
) -> list[Reason]:
    """Every bonus and flat rule of this time, in order; `counting` are the lines that earn."""
    reasons = []
    for ready in rules:
        if not ready.counts_at(moment.at):
            continue
        code = ready.why_not(purchase.store, purchase.channel, facts, moment)
        if code is not None:
            reasons.append(ready.no(code))
            continue
        caps = ready.counted(facts, moment) if ready.caps else ()
        if not ready.rule.when.chooses_lines:
            reasons.append(ready.fitting(None, caps))
            continue
        lines = tuple(n for n in counting if ready.chooses(purchase.lines[n - 1]))
        if not lines:
            reasons.append(ready.no("no_matching_line"))
        elif ready.rule.when.first_purchase:
            reasons += _first_of_each(ready, purchase, lines, facts, caps)
        else:
            reasons.append(ready.fitting(lines, caps))
    return reasons


def _first_of_each(
    ready: ReadyRule,
    purchase: Purchase,
    lines: tuple[int, ...],
    facts: Facts,
    caps: tuple[Counted, ...],
) -> list[Reason]:
    """Feature 14: once for each product that the member never bought before."""
    by_sku: dict[str, list[int]] = {}
    for n in lines:
        by_sku.setdefault(purchase.lines[n - 1].sku, []).append(n)
    return [
        ready.no("bought_before") if sku in facts.bought else ready.fitting(tuple(ns), caps, sku)
        for sku, ns in by_sku.items()
    ]


def matching_act(
    rules: Sequence[ReadyRule], event: MemberEvent, facts: Facts, moment: Moment
) -> list[Reason]:
    """Every rule about acts of this kind, in order."""
    reasons = []
    for ready in rules:
        if ready.counts_at(moment.at):
            code = ready.why_not(event.store, event.channel, facts, moment)
            caps = ready.counted(facts, moment) if ready.caps else ()
            reasons.append(ready.fitting(None, caps) if code is None else ready.no(code))
    return reasons


def _within(hours: tuple[time, time], clock: time) -> bool:
    since, until = hours
    # Hours may run past midnight.
    return since <= clock < until if since < until else clock >= since or clock < until
