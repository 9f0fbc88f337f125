"""A member joins: once, by an id that says nothing about the person."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loyalty.digest import digest
from loyalty.errors import Invalid, KeyReused
from loyalty.events import OWN_SOURCE, Instant, Name
from loyalty.following import follow
from loyalty.intake import not_in_future
from loyalty.member_details import Details, card_is_free, stored_details
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.programme import Channel, Purpose
from loyalty.records import InboxEvent
from loyalty.tiers.settings import TIER_NAME

MEMBER_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,47}$"


class Consent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Channel
    purpose: Purpose = "marketing"
    granted: bool = Field(strict=True)


class Registration(Details):
    """A new member, as a shop reports it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "m-1001",
                    "name": "Lee Wang",
                    "email": "lee@example.com",
                    "locale": "zh",
                    "source": "app",
                    "consents": [{"channel": "email", "purpose": "marketing", "granted": True}],
                }
            ]
        },
    )

    id: str = Field(
        pattern=MEMBER_ID,
        description="An opaque reference. It appears in workflow ids: no name, phone or e-mail.",
    )
    registered_at: Instant | None = Field(None, description="none = now")
    source: Name | None = None
    tier: str | None = Field(
        None,
        pattern=TIER_NAME,
        description="Where the member starts; none = at the foot of the programme's ladder. "
        "A name off the ladder stays as it is",
    )
    invited_by: str | None = Field(None, pattern=MEMBER_ID, description="id of the inviting member")
    consents: tuple[Consent, ...] = Field(
        (), max_length=20, description="What the member agrees to be told, by channel"
    )

    @field_validator("id")
    @classmethod
    def _says_nothing(cls, value: str) -> str:
        if re.fullmatch(r"[0-9]{7,15}", value):
            raise ValueError("looks like a phone number; use an opaque reference such as m-1001")
        return value


def register(tx: Transaction, registration: Registration) -> dict[str, Any]:
    """Add a member, once. The same body again gives the first answer; another raises KeyReused."""
    body_hash = digest(registration.model_dump(mode="json"))
    stored = tx.members.stored(registration.id)
    if stored is not None:
        if stored[0] != body_hash:
            raise KeyReused("member", registration.id)
        return {**stored[1], "replayed": True}
    at = registration.registered_at or tx.now
    not_in_future(tx, at, "registered_at")
    if registration.invited_by and tx.members.get(registration.invited_by) is None:
        raise Invalid(
            "The inviting member is not known.",
            [
                {
                    "field": "invited_by",
                    "code": "unknown",
                    "message": "there is no such member",
                }
            ],
        )
    card_is_free(tx, registration)
    member = Member(
        status="active",
        registered_at=at,
        inviter_id=registration.invited_by,
        tier=registration.tier or tx.programme.tiers.first,
        **registration.model_dump(include={"id", "source"}),
        **stored_details(tx.programme, registration, set(Details.model_fields)),
    )
    answer: dict[str, Any] = {"member_id": member.id, "registered_at": at.isoformat()}
    tx.members.add(member, body_hash, answer)
    for consent in registration.consents:
        tx.members.set_consent(
            member.id, consent.channel, consent.purpose, consent.granted, "registration"
        )
    event = InboxEvent(
        seq=0,
        source=OWN_SOURCE,
        event_id=f"registered/{member.id}",
        type="member.registered",
        member_id=member.id,
        occurred_at=at,
        recorded_at=tx.now,
        body={"attributes": {"source": registration.source or ""}},
        answer={},
        body_hash=body_hash,
    )
    follow(tx, member, event, tx.inbox.add(event))
    return {**answer, "replayed": False}
