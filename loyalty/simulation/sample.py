"""A member who does not exist, for looking at a campaign when nobody in particular is meant.

Long a member, with points that lapse soon, reachable by every channel, and nobody's guest.
"""

from datetime import datetime, timedelta

from loyalty.ledger import Balance
from loyalty.members import Member
from loyalty.messages import ContactStanding
from loyalty.programme import CHANNELS, Programme

SAMPLE_ID = "sample:member"
"""No member can have it: their ids know no colon."""
_LAPSING, _POINTS = 1_000, 1_250


def sample_member(programme: Programme, now: datetime, locale: str) -> Member:
    """Bought five times, last 120 days ago; in the lowest tier of the ladder."""
    last = now - timedelta(days=120)
    return Member(
        id=SAMPLE_ID,
        status="active",
        registered_at=now - timedelta(days=200),
        locale=locale,
        tier=programme.tiers.first,
        tags=(),
        name={"zh": "李雷"}.get(locale, "Lee"),
        email="sample@example.com",
        first_purchase_at=now - timedelta(days=180),
        last_purchase_at=last,
        purchases=5,
        spend_minor=50_000,
    )


def sample_balance(now: datetime) -> Balance:
    """Enough for a small reward, most of it lapsing in twenty days."""
    coming = [(now + timedelta(days=20), _LAPSING), (now + timedelta(days=300), _POINTS - _LAPSING)]
    return Balance(posted=_POINTS, available=_POINTS, next_expiry=coming)


def newcomer_standing(member: Member, programme: Programme) -> ContactStanding:
    """The standing of who was never written to; the sample member agreed to everything."""
    agreed: dict[tuple[str, str], bool] = {(channel, "marketing"): True for channel in CHANNELS}
    nothing: dict[tuple[str, str], bool] = {}
    return ContactStanding(
        zone=member.zone(programme.tz),
        email=member.email,
        stop_listed=False,
        consents=agreed if member.id == SAMPLE_ID else nothing,
        recent={},
        sent_today={},
    )
