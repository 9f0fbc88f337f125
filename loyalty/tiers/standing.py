"""Where a member stands: the tier now and on any day, what is missing to rise, and to stay.

The history is only ever added to, and says everything: a tier on the ladder holds until the next
row of the ladder, a paid level until its own end or the next row of a paid level. The tier that
counts is the higher of the two. Source: rules 13, 15 and 17.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from loyalty.tiers.periods import counted_from, grace_ends, stay_window
from loyalty.tiers.settings import Tiers

Track = Literal["ladder", "paid"]
Reason = Literal["reached", "retained", "not_retained", "refunded", "opened", "set_by_hand", "paid"]
Counted = Callable[[datetime, datetime | None], int]
"""The metric of one member, summed over acts from an instant on and before another (none = all)."""


@dataclass(frozen=True, slots=True)
class Held:
    """One row of the history: from when a member held a tier, why, and on which figure.

    `came_from` is the tier on the ladder before; `counted_from` is where the window began that
    `metric` was summed over. `opened`: the tier was there before its validity was counted.
    """

    track: Track
    tier: str
    from_at: datetime
    until_at: datetime | None
    reason: Reason
    came_from: str
    metric: int | None = None
    counted_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class TierReview:
    """When to look at a member; `refunded_at` is of a refund that no review has judged yet."""

    due_at: datetime
    refunded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a member's tiers. `given` is the tier of a member without a history."""

    joined: datetime
    given: str
    history: Sequence[Held] = ()

    @property
    def on_ladder(self) -> Held | None:
        """The row of the ladder that holds now."""
        return next((row for row in reversed(self.history) if row.track == "ladder"), None)

    def paid(self, at: datetime) -> Held | None:
        """The paid level that holds at an instant; the last word about it counts."""
        rows = [row for row in self.history if row.track == "paid" and row.from_at <= at]
        if not rows or rows[-1].until_at is None or rows[-1].until_at <= at:
            return None
        return rows[-1]

    def ladder_tier(self, at: datetime) -> str:
        """The tier on the ladder at an instant, also before the history begins."""
        before = [row for row in self._ladder() if row.from_at <= at]
        return before[-1].tier if before else self._first_tier

    @property
    def tier_start(self) -> datetime:
        """Since when the present tier has been held or was last earned again.

        A word of people about a tier that was there already does not begin it anew.
        """
        rows = [r for r in self._ladder() if r.reason != "set_by_hand" or r.tier != r.came_from]
        return rows[-1].from_at if rows else self.joined

    @property
    def since(self) -> datetime:
        """Since when the present tier of the ladder has been held without a break."""
        since, tier = self.joined, self._first_tier
        for row in self._ladder():
            if row.tier != tier:
                since, tier = row.from_at, row.tier
        return since

    @property
    def _first_tier(self) -> str:
        return self.history[0].came_from if self.history else self.given

    def _ladder(self) -> list[Held]:
        return [row for row in self.history if row.track == "ladder"]


def tier_at(tiers: Tiers, place: Place, at: datetime) -> str:
    """The tier that counts at an instant: of the ladder or paid for, whichever is higher."""
    tier, paid = place.ladder_tier(at), place.paid(at)
    if paid is None:
        return tier
    mine, bought = tiers.rank(tier), tiers.rank(paid.tier)
    if bought is None:  # a level that is sold no more
        return tier
    return paid.tier if mine is None or bought > mine else tier


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's tier now and what is missing. The metric is in minor units or in points.

    `to_stay` and `stay_by` are none where nothing can be lost; `stay_by` is exclusive.
    """

    tier: str
    ladder_tier: str
    since: datetime
    reason: str
    valid_until: datetime | None
    paid_level: str | None
    paid_until: datetime | None
    metric: int
    counted_from: datetime
    next_tier: str | None
    to_rise: int | None
    to_stay: int | None
    stay_by: datetime | None
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One member at one instant, with everything a decision about the tier may look at."""

    tiers: Tiers
    zone: ZoneInfo
    place: Place
    counted: Counted
    now: datetime

    @property
    def rank(self) -> int | None:
        """The place on the ladder now; none for a tier the ladder does not know."""
        return self.tiers.rank(self.place.ladder_tier(self.now))

    @property
    def counts_from(self) -> datetime:
        """Since when acts count for rising."""
        place = self.place
        return counted_from(self.tiers.period, self.now, self.zone, place.joined, place.tier_start)


def evaluate(case: Case) -> Standing:
    """Where a member stands; `at_risk` when little time is left and something is missing."""
    tiers, place, now, rank = case.tiers, case.place, case.now, case.rank
    row, paid = place.on_ladder, place.paid(now)
    metric = case.counted(case.counts_from, None)
    above = tiers.ladder[rank + 1] if rank is not None and rank + 1 < len(tiers.ladder) else None
    valid_until = held_until(tiers, place)
    to_stay = missing_to_stay(case)
    return Standing(
        tier=tier_at(tiers, place, now),
        ladder_tier=place.ladder_tier(now),
        since=place.since,
        reason=row.reason if row else "given",
        valid_until=valid_until,
        paid_level=paid.tier if paid else None,
        paid_until=paid.until_at if paid else None,
        metric=metric,
        counted_from=case.counts_from,
        next_tier=above.tier if above else None,
        to_rise=max(0, above.threshold - metric) if above else None,
        to_stay=to_stay,
        stay_by=grace_ends(tiers, valid_until, case.zone) if valid_until else None,
        at_risk=bool(to_stay and valid_until and warns_from(tiers, valid_until) <= now),
    )


def held_until(tiers: Tiers, place: Place) -> datetime | None:
    """When the present tier of the ladder has to be earned again; none = it stays.

    Where tiers are kept, only what was set by hand for a time has an end.
    """
    row = place.on_ladder
    if row is None or not tiers.rank(row.tier):
        return None
    return row.until_at if tiers.downgrade != "keep" or row.reason == "set_by_hand" else None


def missing_to_stay(case: Case) -> int | None:
    """How much of the metric is missing to keep the present tier; none where it is not judged."""
    valid_until = held_until(case.tiers, case.place)
    if valid_until is None or not case.rank:
        return None
    place = case.place
    window = stay_window(case.tiers, valid_until, case.zone, place.joined, place.tier_start)
    return max(0, case.tiers.ladder[case.rank].threshold - case.counted(*window))


def warns_from(tiers: Tiers, valid_until: datetime) -> datetime:
    """From when a member is told that a tier may be lost."""
    return valid_until - timedelta(days=tiers.warn_days)
