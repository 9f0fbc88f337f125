"""How fast a budget goes, and when it is gone."""

from datetime import date
from typing import Any

import pytest

from loyalty.budget_pace import budget_pace

LAUNCH, TODAY = date(2026, 11, 1), date(2026, 11, 22)
STEADY = {date(2026, 11, day): 100 for day in range(1, 22)}


@pytest.mark.parametrize(
    ("changes", "left", "per_day", "used_up_on"),
    [
        ({}, 7_800, 100.0, date(2027, 2, 9)),  # 7,900 not granted yet: 79 days
        ({"budget": None}, None, 100.0, None),
        ({"granted_by_day": {}}, 7_800, 0.0, None),
        # Today is not over, so it does not slow the pace down or speed it up.
        ({"granted_by_day": {**STEADY, TODAY: 9_000}}, 7_800, 100.0, date(2027, 2, 9)),
        # On the first day there is nothing but the first day.
        ({"launched_on": TODAY, "granted_by_day": {TODAY: 790}}, 7_800, 790.0, date(2026, 12, 2)),
        # Two days old: the mean of two days.
        (
            {"launched_on": date(2026, 11, 20), "granted_by_day": {date(2026, 11, 20): 300}},
            7_800,
            150.0,
            date(2027, 1, 13),
        ),
        ({"budget": 2_100, "reserved": 0}, 0, 100.0, TODAY),
    ],
)
def test_the_budget_lasts_as_long_as_the_pace_says(
    changes: dict[str, Any], left: int | None, per_day: float, used_up_on: date | None
) -> None:
    plain: dict[str, Any] = {
        "budget": 10_000,
        "granted": 2_100,
        "reserved": 100,
        "granted_by_day": STEADY,
        "launched_on": LAUNCH,
        "today": TODAY,
    }

    found = budget_pace(**{**plain, **changes})

    assert (found.left, found.per_day, found.used_up_on) == (left, per_day, used_up_on)
