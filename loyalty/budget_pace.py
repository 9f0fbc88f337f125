"""How fast a campaign uses its budget, and the day on which it will be used up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

LOOKED_BACK_DAYS = 7
"""A week holds every weekday once, and shops' days differ by weekday more than by week."""
FAR_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Pace:
    """Points a day over the last days, and the day on which nothing is left at this pace."""

    left: int | None  # neither granted nor reserved; none = no limit
    per_day: float
    used_up_on: date | None


def budget_pace(
    *,
    budget: int | None,
    granted: int,
    reserved: int,
    granted_by_day: Mapping[date, int],
    launched_on: date,
    today: date,
) -> Pace:
    """What was granted on the last seven days that are over, or since the launch if that is later.

    On the day of the launch itself, that day stands for all.
    """
    left = None if budget is None else max(budget - granted - reserved, 0)
    first = max(today - timedelta(days=LOOKED_BACK_DAYS), launched_on)
    days = (today - first).days
    if days:
        per_day = sum(n for day, n in granted_by_day.items() if first <= day < today) / days
    else:
        per_day = float(granted_by_day.get(today, 0))
    unspent = None if budget is None else max(budget - granted, 0)
    if unspent is None or per_day <= 0 or unspent / per_day > FAR_DAYS:
        return Pace(left, per_day, None)
    return Pace(left, per_day, today + timedelta(days=int(unspent // per_day)))
