"""Members as the domain sees them: what rules and messages may know about a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.ledger import Balance

EXPIRING_SOON = timedelta(days=30)
"""How far ahead `member.expiring_points` and `points.expiring` look."""
NEVER_DAYS = 36_500
"""Days since something that never happened, so that `>= 90` is true of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member's row. Names and addresses stay here and in messages; nowhere else."""

    id: str
    status: str
    registered_at: datetime
    locale: str
    tier: str
    tags: tuple[str, ...]
    source: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None
    time_zone: str | None = None
    inviter_id: str | None = None
    stop_listed: bool = False
    first_purchase_at: datetime | None = None
    last_purchase_at: datetime | None = None
    purchases: int = 0
    spend_minor: int = 0

    def zone(self, programme: ZoneInfo) -> ZoneInfo:
        """The zone the member lives by."""
        return ZoneInfo(self.time_zone) if self.time_zone else programme


def member_facts(member: Member, balance: Balance, now: datetime) -> Mapping[str, object]:
    """What a condition may ask about a member, by the names of `conditions.MEMBER`."""

    def days_since(at: datetime | None) -> int:
        return (now - at).days if at else NEVER_DAYS

    return {
        "now": now,
        "member.tier": member.tier,
        "member.tags": list(member.tags),
        "member.days_since_purchase": days_since(member.last_purchase_at),
        "member.days_since_registration": days_since(member.registered_at),
        "member.purchases": member.purchases,
        "member.spend_minor": member.spend_minor,
        "member.points": balance.available,
        "member.expiring_points": expiring(balance, now),
        "member.locale": member.locale,
        "member.source": member.source or "",
        "member.has_inviter": member.inviter_id is not None,
    }


def expiring(balance: Balance, now: datetime) -> int:
    """Points that lapse within thirty days."""
    return sum(points for at, points in balance.next_expiry if at < now + EXPIRING_SOON)
