"""When a campaign looks over its audience: by the clock on the wall, rather late than wrongly."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loyalty.campaign_entry import hours_revised, is_past, next_entry, opened_pass
from loyalty.journeys.compile import compile as compile_template
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.load import load_texts
from loyalty.records import Campaign

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
LAUNCHED = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)
WRITTEN = """
name: written
title: {{en: Written, zh: 自建}}
summary: {{en: A tag., zh: 标签。}}
enter: {enter}
journey:
  - tag: was_here
"""


def rules(enter: str) -> Compiled:
    files = {"campaign.yaml": WRITTEN.format(enter=enter)}
    return compile_template(load_texts("written", files), {})


def campaign(**position: Any) -> Campaign:
    return Campaign("c", "C", "written", "launched", 1, LAUNCHED, LAUNCHED, position=position)


def at(zone: ZoneInfo, *wall: int) -> datetime:
    # mypy cannot tell how many parts of a clock `wall` names.
    return datetime(*wall, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("now", "next"),
    [
        ((2027, 1, 30, 12, 0), (2027, 1, 31, 9, 0)),
        ((2027, 1, 31, 9, 0), (2027, 1, 31, 9, 0)),
        ((2027, 1, 31, 9, 1), (2027, 2, 28, 9, 0)),
        ((2028, 2, 1, 9, 0), (2028, 2, 29, 9, 0)),
        ((2027, 12, 31, 23, 0), (2028, 1, 31, 9, 0)),
    ],
)
def test_the_31st_is_the_last_day_of_shorter_months(
    now: tuple[int, ...], next: tuple[int, ...]
) -> None:
    """Leap years too, and over the end of the year."""
    monthly = rules('{monthly: {day: 31, at: "09:00"}}')

    assert next_entry(campaign(), monthly, at(SHANGHAI, *now), SHANGHAI) == at(SHANGHAI, *next)


def test_the_daily_hour_stays_when_the_clocks_change() -> None:
    """Ten o'clock in Berlin is an hour earlier in UTC from the end of March on."""
    daily = rules('{daily: {at: "10:00"}}')
    found = [
        next_entry(campaign(), daily, at(BERLIN, 2027, 3, day, 11, 0), BERLIN) for day in (26, 27)
    ]

    assert [(instant.day, instant.hour) for instant in found if instant] == [(27, 9), (28, 8)]


def test_the_hour_of_a_pass_does_not_come_twice() -> None:
    """The pass is over within the same instant: the next is tomorrow, or next month."""
    ten = at(SHANGHAI, 2027, 1, 4, 10, 0)
    passed = campaign(passed_at=ten.isoformat())

    daily, monthly = rules('{daily: {at: "10:00"}}'), rules('{monthly: {day: 4, at: "10:00"}}')
    assert next_entry(passed, daily, ten, SHANGHAI) == at(SHANGHAI, 2027, 1, 5, 10, 0)
    assert next_entry(passed, monthly, ten, SHANGHAI) == at(SHANGHAI, 2027, 2, 4, 10, 0)


@pytest.mark.parametrize(
    ("now", "taken_up"),
    [
        ((2027, 1, 5, 15, 0), (2027, 1, 5, 10, 0)),
        ((2027, 1, 20, 15, 0), (2027, 1, 20, 10, 0)),
        ((2027, 1, 20, 9, 0), (2027, 1, 19, 10, 0)),
    ],
)
def test_of_missed_days_the_latest_is_taken_up(
    now: tuple[int, ...], taken_up: tuple[int, ...]
) -> None:
    """After a pause of two weeks nobody is credited with what they did in them."""
    daily = rules('{daily: {at: "10:00"}}')
    held = campaign(entry_at=at(SHANGHAI, 2027, 1, 5, 10, 0).isoformat())
    entry = next_entry(held, daily, at(SHANGHAI, *now), SHANGHAI)

    assert entry == at(SHANGHAI, *taken_up)
    opened = opened_pass(held, daily, at(SHANGHAI, *taken_up), at(SHANGHAI, *now), SHANGHAI)
    assert opened["key"] == f"2027-01-{taken_up[2]:02}"
    assert datetime.fromisoformat(opened["since"]) == entry


@pytest.mark.parametrize(
    ("now", "entry"),
    [
        ((2027, 2, 20, 12, 0), (2027, 2, 10, 9, 0)),  # late, but in its month
        ((2027, 3, 20, 12, 0), (2027, 3, 10, 9, 0)),  # February is over, March's is taken up
        ((2027, 3, 2, 12, 0), (2027, 3, 10, 9, 0)),  # ... and March's is still to come
    ],
)
def test_a_month_that_is_over_is_not_begun(now: tuple[int, ...], entry: tuple[int, ...]) -> None:
    monthly = rules('{monthly: {day: 10, at: "09:00"}}')
    held = campaign(entry_at=at(SHANGHAI, 2027, 2, 10, 9, 0).isoformat())

    assert next_entry(held, monthly, at(SHANGHAI, *now), SHANGHAI) == at(SHANGHAI, *entry)


@pytest.mark.parametrize(
    ("enter", "planned", "now", "next"),
    [
        # This month's pass was to come tonight; its new hour is over: it comes now.
        ('{monthly: {day: 1, at: "14:30"}}', (2, 1, 20, 0), (2, 1, 15, 0), (2, 1, 15, 0)),
        ('{monthly: {day: 1, at: "16:00"}}', (2, 1, 20, 0), (2, 1, 15, 0), (2, 1, 16, 0)),
        ('{monthly: {day: 9, at: "09:00"}}', (2, 20, 9, 0), (2, 10, 9, 0), (2, 10, 9, 0)),
        # It was next month's that was planned: it comes next month.
        ('{monthly: {day: 1, at: "14:30"}}', (3, 1, 20, 0), (2, 1, 21, 0), (3, 1, 14, 30)),
        ('{daily: {at: "14:30"}}', (2, 1, 20, 0), (2, 1, 15, 0), (2, 1, 15, 0)),
        ('{daily: {at: "14:30"}}', (2, 2, 10, 0), (2, 1, 15, 0), (2, 2, 14, 30)),
        ('{daily: {at: "21:00"}}', (2, 2, 10, 0), (2, 1, 15, 0), (2, 1, 21, 0)),
    ],
)
def test_another_hour_costs_nobody_a_pass(
    enter: str, planned: tuple[int, ...], now: tuple[int, ...], next: tuple[int, ...]
) -> None:
    """Set to an hour that has just gone by, the pass of the month, or the day, comes at once."""
    asleep = campaign(entry_at=at(SHANGHAI, 2027, *planned).isoformat())
    revised = rules(enter)
    instant = at(SHANGHAI, 2027, *now)

    position = hours_revised(asleep, revised, instant, SHANGHAI)
    entry = next_entry(replace(asleep, position=position), revised, instant, SHANGHAI)

    assert entry == at(SHANGHAI, 2027, *next)


def test_a_pass_held_up_into_the_next_month_is_left() -> None:
    """Half the audience has February's pack; the other half is not given it in March."""
    monthly, daily = rules('{monthly: {day: 1, at: "09:00"}}'), rules('{daily: {at: "10:00"}}')
    entry = at(SHANGHAI, 2027, 2, 1, 9, 0)
    under_way = opened_pass(campaign(), monthly, entry, entry, SHANGHAI)["key"]

    assert not is_past(under_way, monthly, at(SHANGHAI, 2027, 2, 28, 23, 59), SHANGHAI)
    assert is_past(under_way, monthly, at(SHANGHAI, 2027, 3, 1, 0, 0), SHANGHAI)
    under_way = opened_pass(campaign(), daily, entry, entry, SHANGHAI)["key"]
    assert not is_past(under_way, daily, at(SHANGHAI, 2027, 3, 1, 0, 0), SHANGHAI)


def test_an_audience_at_launch_enters_once() -> None:
    once, api = rules("once"), rules("api")

    assert next_entry(campaign(), once, LAUNCHED, SHANGHAI) == LAUNCHED
    passed = campaign(passed_at=LAUNCHED.isoformat())
    assert next_entry(passed, once, LAUNCHED, SHANGHAI) is None
    assert next_entry(campaign(), api, LAUNCHED, SHANGHAI) is None
