"""Members as the domain sees them: what rules and messages may know about a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from loyalty.errors import WrongState
from loyalty.ledger import Balance

Mark = Literal["card_no", "phone_digits"]
"""What a member can be found by besides the id (feature 6)."""
ConsentSource = Literal["registration", "request", "unsubscribe"]
"""How a member said it: when joining, by the shop or a person since, by the link in an e-mail."""
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
    card_no: str | None = None
    # The phone's digits with its country, so that a member is found however it was written.
    phone_digits: str | None = None
    # Status `merged`: whoever asks for this member means that one (rule 18).
    merged_into: str | None = None

    def zone(self, programme: ZoneInfo) -> ZoneInfo:
        """The zone the member lives by."""
        return ZoneInfo(self.time_zone) if self.time_zone else programme


def phone_digits(phone: str, country: str) -> str:
    """A phone number as its digits with the country's code before them (feature 6).

    `country` stands in where none was written; a leading zero is a country's own dialling prefix.
    """
    digits = "".join(sign for sign in phone if sign in "0123456789")
    if phone.strip().startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    if digits.startswith(country) and len(digits) >= len(country) + 10:
        return digits
    return country + digits.lstrip("0")


def needs_active(member: Member) -> None:
    """Raises WrongState for who is no member any more: nothing new is recorded for them."""
    if member.status != "active":
        raise WrongState(
            f"Member {member.id!r} is {member.status}.", member_id=member.id, status=member.status
        )


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
