"""Since when the metric is counted, and until when a reached tier lasts.

Every window is half open: its start counts, its end does not. Calendar months and days follow the
clock on the wall in the programme's zone. Source: rules 12 and 17.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loyalty.tiers.settings import Period, Tiers
from loyalty.timing import TICK, Length, on_the_wall, shift, start_of_day, start_of_month

_DAY = timedelta(days=1)


def counted_from(
    period: Period, at: datetime, zone: ZoneInfo, joined: datetime, tier_start: datetime
) -> datetime:
    """Where the window begins that the metric is summed over at an instant."""
    if period.kind == "rolling":
        return shift(at, Length(months=period.months), zone, sign=-1)
    return cycle(period, at, zone, joined, tier_start)[0]


def cycle(
    period: Period, at: datetime, zone: ZoneInfo, joined: datetime, tier_start: datetime
) -> tuple[datetime, datetime]:
    """The cycle an instant lies in; cycles follow each other without a gap, also backwards."""
    if period.kind == "calendar_year":
        january = 1 - at.astimezone(zone).month
        return start_of_month(at, zone, january), start_of_month(at, zone, january + 12)
    anchor = _anchor(period, zone, joined, tier_start)
    wall, first = at.astimezone(zone), anchor.astimezone(zone)
    number = ((wall.year - first.year) * 12 + wall.month - first.month) // period.months
    # The division knows months only; the day and the clock may lie one cycle before.
    while _moved(anchor, number * period.months, zone) > at:
        number -= 1
    start, end = (_moved(anchor, n * period.months, zone) for n in (number, number + 1))
    return start, end


def lasts_until(
    tiers: Tiers, rank: int, start: datetime, zone: ZoneInfo, joined: datetime
) -> datetime | None:
    """When a tier reached at `start` has to be earned again; none = it stays.

    Where periods end on days of a calendar, it lasts to the end of the period that the months lead
    into, so that nobody is judged in the middle of one. From where a period begins they lead to
    where another ends, and no further: each period after the first decides about the next.
    """
    if rank == 0 or tiers.downgrade == "keep" or tiers.validity_months is None:
        return None
    end = _moved(start, tiers.validity_months, zone)
    if not tiers.period.ends_for_all:
        return end
    begins = cycle(tiers.period, start, zone, joined, start)[0] == start
    # A midnight that summer time skips is an hour late: there the end may lie past its own period.
    last = end - (_DAY if begins else TICK)
    return cycle(tiers.period, last, zone, joined, start)[1]


def stay_window(
    tiers: Tiers, valid_until: datetime, zone: ZoneInfo, joined: datetime, tier_start: datetime
) -> tuple[datetime, datetime]:
    """The window whose metric decides whether a tier is kept, its days of grace included."""
    start = counted_from(tiers.period, valid_until - TICK, zone, joined, tier_start)
    if tiers.period.kind == "rolling":
        start = shift(valid_until, Length(months=tiers.period.months), zone, sign=-1)
    return start, grace_ends(tiers, valid_until, zone)


def grace_ends(tiers: Tiers, valid_until: datetime, zone: ZoneInfo) -> datetime:
    """The instant from which a purchase is too late to keep the tier."""
    return shift(valid_until, Length(days=tiers.grace_days), zone)


def _anchor(period: Period, zone: ZoneInfo, joined: datetime, tier_start: datetime) -> datetime:
    if period.kind == "from_tier_start":
        return tier_start
    if period.kind == "from_join_date":
        return start_of_day(joined, zone)
    assert period.starts_on is not None  # the settings see to it
    return on_the_wall(datetime.combine(period.starts_on, time()), zone)


def _moved(at: datetime, months: int, zone: ZoneInfo) -> datetime:
    length = Length(months=abs(months))
    return shift(at, length, zone, sign=1 if months >= 0 else -1).astimezone(UTC)
