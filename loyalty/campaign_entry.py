"""When a campaign next looks over its audience, and what such a pass is called.

A pause may outlast the hours that were planned. Of passes that were missed only the latest is taken
up, at once, and acts count from its hour on; a month that is over is not begun any more.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.journeys.compiled import Compiled, EnterAtLaunch, EnterDaily, EnterMonthly
from loyalty.records import Campaign
from loyalty.timing import TICK, next_time_of_day, on_the_wall, start_of_month


def next_entry(campaign: Campaign, rules: Compiled, now: datetime, tz: ZoneInfo) -> datetime | None:
    """The instant of the next pass, in the past when one was missed; none when none will come."""
    enter, passed_at = rules.enter, campaign.position.get("passed_at")
    if isinstance(enter, EnterAtLaunch):
        return None if passed_at else campaign.launched_at
    noted = campaign.position.get("entry_at")
    missed = datetime.fromisoformat(noted) if noted else None
    if missed is not None and isinstance(enter, EnterMonthly):
        over = missed < start_of_month(now, tz)
        return _monthly(enter, now, tz) if over else missed
    if missed is not None and isinstance(enter, EnterDaily):
        a_day_ago = now - timedelta(days=1) + TICK
        latest = next_time_of_day(a_day_ago, time.fromisoformat(enter.at), tz)
        return max(missed, latest) if latest <= now else missed
    # The hour of the last pass is over, even where the clock still shows it.
    after = max(now, datetime.fromisoformat(passed_at) + TICK) if passed_at else now
    if isinstance(enter, EnterDaily):
        return next_time_of_day(after, time.fromisoformat(enter.at), tz)
    if isinstance(enter, EnterMonthly):
        this = _monthly(enter, now, tz)
        return this if this >= after else _monthly(enter, now, tz, months=1)
    return None


def opened_pass(
    campaign: Campaign, rules: Compiled, entry_at: datetime, now: datetime, tz: ZoneInfo
) -> dict[str, Any]:
    """A pass as the campaign's position carries it: its entry key, since when acts count."""
    local = entry_at.astimezone(tz)
    key, since = "once", campaign.launched_at or now
    if isinstance(rules.enter, EnterMonthly):
        # The whole month counts, from its first instant on.
        key = f"{local:%Y-%m}"
        since = start_of_month(entry_at, tz) - TICK
    elif isinstance(rules.enter, EnterDaily):
        key, since = f"{local:%Y-%m-%d}", entry_at
    return {
        "key": key,
        "since": since.isoformat(),
        "after": "",
        "repeats": isinstance(rules.enter, EnterDaily),
    }


def hours_revised(
    campaign: Campaign, rules: Compiled, now: datetime, tz: ZoneInfo
) -> Mapping[str, Any]:
    """The position of a campaign that is given other hours: its next pass is that of `rules`.

    A pass that was missed is still owed, and so is this month's, or today's, whose new hour is
    over: it is due now. An hour that is moved costs nobody a pass.
    """
    noted = campaign.position.get("entry_at")
    if noted is None or datetime.fromisoformat(noted) <= now:
        return campaign.position
    forgotten = {**campaign.position, "entry_at": None}
    coming = next_entry(replace(campaign, position=forgotten), rules, now, tz)
    planned, today, then = (
        at and opened_pass(campaign, rules, at, now, tz)["key"]
        for at in (datetime.fromisoformat(noted), now, coming)
    )
    owed = planned == today != then
    return {**forgotten, "entry_at": now.isoformat()} if owed else forgotten


def is_past(entry_key: str, rules: Compiled, now: datetime, tz: ZoneInfo) -> bool:
    """Whether an entry, held up by a pause, belongs to a month that is over."""
    monthly = isinstance(rules.enter, EnterMonthly)
    return monthly and entry_key != f"{now.astimezone(tz):%Y-%m}"


def _monthly(enter: EnterMonthly, now: datetime, tz: ZoneInfo, months: int = 0) -> datetime:
    """The entry of a month: its day, or its last where the month is shorter (rule 12)."""
    first = start_of_month(now, tz, months).astimezone(tz)
    last = (start_of_month(now, tz, months + 1).astimezone(tz) - timedelta(days=1)).day
    wall = datetime.combine(
        first.date().replace(day=min(enter.day, last)), time.fromisoformat(enter.at)
    )
    return on_the_wall(wall, tz)
