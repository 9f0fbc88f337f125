"""A sample programme: invented members and their purchases, to see Milepost at work.

Everything is named so that nobody takes it for real: ids begin with `sample-`, events come from
the source `sample`, members carry the tag `sample`. Drawn by hash, so it is the same each time and
a repetition records nothing twice.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.campaign_request import CampaignRequest
from loyalty.digest import digest
from loyalty.events import Line, MemberEvent, Purchase
from loyalty.registration import Consent, Registration

SOURCE = TAG = "sample"
MEMBERS = 80
_DAYS = 150
_FAMILY = ("Chen", "Lin", "Wang", "Zhao", "Huang", "Reed", "Moss", "Hart", "Lowe", "Finch")
_GIVEN = ("Mei", "Jun", "Hua", "Lan", "Bo", "Tom", "Ida", "Sam", "Ruth", "Max")
_CATEGORIES = ("fresh", "grocery", "household", "bakery")
_STORES = ("riverside", "station", "hilltop")


def _draw(upto: int, *about: object) -> int:
    """A number below `upto`, always the same for the same subject."""
    return int(digest([str(each) for each in about])[:8], 16) % upto


def member_id(number: int) -> str:
    return f"sample-{number:03}"


def members(now: datetime) -> Iterator[Registration]:
    """Members who joined over the last months; the later ones were partly invited."""
    for number in range(1, MEMBERS + 1):
        # Coarse instants: whoever presses the button twice in a day records the same.
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        joined = day - timedelta(days=_DAYS - _draw(_DAYS - 5, "joined", number) // 2)
        invited = number > 20 and _draw(3, "invited", number) == 0
        yield Registration(
            id=member_id(number),
            registered_at=joined,
            source=SOURCE,
            name=f"{_GIVEN[_draw(10, 'given', number)]} {_FAMILY[_draw(10, 'family', number)]}",
            email=f"{member_id(number)}@example.com",
            locale="zh" if _draw(2, "locale", number) else "en",
            tags=(TAG,),
            invited_by=member_id(1 + _draw(20, "inviter", number)) if invited else None,
            consents=(
                Consent(channel="inbox", granted=True),
                Consent(channel="email", granted=_draw(4, "consent", number) > 0),
            ),
        )


def purchases(now: datetime, number: int, currency: str) -> Iterator[Purchase]:
    """One member's receipts, oldest first; every fifth member has not come for two months."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    away = 62 if number % 5 == 0 else 1
    at = _DAYS - 30 - _draw(30, "first", number)
    for place in range(40):
        if at <= away:
            return
        when = day - timedelta(days=at) + timedelta(hours=_draw(10, "hour", number, place))
        yield Purchase(
            source=SOURCE,
            id=f"{member_id(number)}/{place + 1}",
            member_id=member_id(number),
            occurred_at=when,
            currency=currency,
            store=_STORES[_draw(3, "store", number)],
            channel="store",
            lines=tuple(
                Line(
                    sku=f"sample-{_draw(90, 'sku', number, place, line)}",
                    category=_CATEGORIES[_draw(4, "category", number, place, line)],
                    net_minor=800 + 10 * _draw(900, "net", number, place, line),
                )
                for line in range(1 + _draw(4, "lines", number, place))
            ),
        )
        at -= 6 + _draw(20, "gap", number, place)


def acts(now: datetime, number: int) -> Iterator[MemberEvent]:
    """A check-in for every second member."""
    if number % 2 == 0:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        yield MemberEvent(
            source=SOURCE,
            id=f"{member_id(number)}/check-in",
            type="check_in",
            member_id=member_id(number),
            occurred_at=day - timedelta(days=3),
        )


def drafts(now: datetime, zone: ZoneInfo) -> tuple[CampaignRequest, ...]:
    """A draft of each template that comes with Milepost; a marketer launches them, or not."""
    opens = now.astimezone(zone).replace(hour=10, minute=0, second=0, microsecond=0)
    opens += timedelta(days=3)
    return (
        CampaignRequest(
            id="sample-welcome", name="Sample: welcome to new members", template="new_member_bonus"
        ),
        CampaignRequest(
            id="sample-tasks", name="Sample: tasks of the month", template="monthly_task_pack"
        ),
        CampaignRequest(
            id="sample-wake-up", name="Sample: we miss you", template="dormant_wake_up"
        ),
        CampaignRequest(
            id="sample-cup",
            name="Sample: a cup for points",
            template="limited_time_exchange",
            values={
                "opens_at": opens.isoformat(),
                "closes_at": (opens + timedelta(days=2)).isoformat(),
            },
        ),
    )
