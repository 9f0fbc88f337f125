"""One rule made ready to be asked: whether it holds for a place, a member and an hour, or why not.

Sets for look-ups, instants for windows, the condition compiled, and each reason that never changes
made beforehand.
"""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from loyalty.conditions import Condition
from loyalty.earning.breakdown import Kind, Reason, Room
from loyalty.earning.facts import CONDITIONS, Facts, Moment, instant, period_key
from loyalty.earning.holidays import is_holiday
from loyalty.earning.rule_set import WEEKDAYS, Cap, Rule
from loyalty.events import Line

_KEPT = 256


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
        self.past_midnight = self.hours is not None and self.hours[1] <= self.hours[0]
        self.skus = frozenset(when.skus or ())
        self.categories = frozenset(when.categories or ())
        self.brands = frozenset(when.brands or ())
        self.yes = self._reason("applies", applied=True)
        self.rates = (self.yes,)  # as the reasons of a line
        self._no: dict[str, Reason] = {}
        self._on: dict[tuple[int, ...], Reason] = {}

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
        if self.past_midnight and self.hours and moment.clock < self.hours[1]:
            moment = moment.eve()  # the night of Friday, at one o'clock on Saturday
        if self.weekdays and moment.weekday not in self.weekdays:
            return "other_weekday"
        if self.tiers and self.tiers.isdisjoint(facts.tiers):
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

    def may_fall_on(self, weekday: int | None) -> bool:
        """Whether it may hold at some time of this calendar day; Monday is 0."""
        if not self.weekdays or weekday in self.weekdays:
            return True
        return self.past_midnight and weekday is not None and (weekday - 1) % 7 in self.weekdays

    def chooses(self, line: Line) -> bool:
        return (
            (not self.skus or line.sku in self.skus)
            and (not self.categories or line.category in self.categories)
            and (not self.brands or line.brand in self.brands)
        )

    def counted(self, facts: Facts, moment: Moment) -> tuple[Room, ...]:
        """The caps of this rule, with the room that is left in each."""
        return room_in(self.caps, facts, moment)

    def fitting(
        self, lines: tuple[int, ...] | None, caps: tuple[Room, ...], ref: str | None = None
    ) -> Reason:
        """The rule as one that holds so far; thresholds, groups and caps come later."""
        if caps or ref is not None:
            return self._reason("applies", applied=True, lines=lines, caps=caps, ref=ref)
        if lines is None:
            return self.yes
        # Receipts differ in few ways: the second line, the first two ...
        if lines not in self._on:
            if len(self._on) >= _KEPT:
                self._on.clear()
            self._on[lines] = self._reason("applies", applied=True, lines=lines)
        return self._on[lines]

    def _reason(
        self,
        code: str,
        *,
        applied: bool,
        lines: tuple[int, ...] | None = None,
        caps: tuple[Room, ...] = (),
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


def room_in(caps: Sequence[tuple[str, Cap]], facts: Facts, moment: Moment) -> tuple[Room, ...]:
    """Caps with the room left in each period that the moment belongs to."""
    found = []
    for counter, cap in caps:
        period = period_key(cap.per, moment.day)
        room = cap.points - facts.used.get((counter, period), 0)
        found.append(Room(counter, cap.per, period, room))
    return tuple(found)


def _within(hours: tuple[time, time], clock: time) -> bool:
    since, until = hours
    # Hours may run past midnight.
    return since <= clock < until if since < until else clock >= since or clock < until
