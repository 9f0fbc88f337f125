"""Upgrade gifts: once for each tier and period, whatever goes up and down in between."""

from collections.abc import Sequence
from datetime import datetime

from loyalty.tiers.periods import cycle
from loyalty.tiers.settings import Rung
from loyalty.tiers.standing import Case, Held
from loyalty.timing import Length, shift


def gifts(case: Case, risen: Held, elsewhere: Sequence[Held] = ()) -> Sequence[tuple[Rung, str]]:
    """The gifts of a rise, each with the name of the period it is for.

    `elsewhere` is what the same person had under ids that were merged into this one.

    Who passes a tier on the way gets its gift too, so that one large receipt gives no less than
    two small ones. Who fell and rises again in the same period has had it, and a gift is never
    taken back. Source: feature 52, rule 17.
    """
    since, period = _period(case, risen.from_at)
    had: set[int] = set()
    for row in (*elsewhere, *case.place.history):
        if row.track == "ladder" and row.reason == "reached" and row.from_at >= since:
            had.update(_passed(case, row))
    rungs = [case.tiers.ladder[rank] for rank in _passed(case, risen) if rank not in had]
    return [(rung, period) for rung in rungs if rung.gift_points]


def _passed(case: Case, row: Held) -> range:
    """The ranks a rise went over, its own included."""
    low, high = case.tiers.rank(row.came_from), case.tiers.rank(row.tier)
    return range(0) if low is None or high is None else range(low + 1, high + 1)


def _period(case: Case, at: datetime) -> tuple[datetime, str]:
    """Since when an earlier gift counts as this period's, and the period's name.

    A window that moves with every day, or that each change of tier begins anew, has no periods of
    its own: there it is the months before the rise.
    """
    period, place, zone = case.tiers.period, case.place, case.zone
    if period.ends_for_all:
        since = cycle(period, at, zone, place.joined, place.tier_start)[0]
        return since, f"{since.astimezone(zone):%Y-%m-%d}"
    since = shift(at, Length(months=period.months), zone, sign=-1)
    return since, f"{at.astimezone(zone):%Y-%m-%d}"
