"""What a member says of themselves: given at registration, and changed whenever it changes."""

from collections.abc import Set
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loyalty.errors import invalid_field
from loyalty.events import Name, one_line
from loyalty.member_moves import Reason
from loyalty.members import Member, needs_active, phone_digits
from loyalty.ports import Transaction
from loyalty.programme import Programme

CARD_NO = r"^[A-Za-z0-9][A-Za-z0-9-]{2,47}$"
PHONE = r"^\+?[ ()-]*([0-9][ ()-]*){5,}$"
"""With digits to be found by: a blank of dashes, as tills send for none, is nobody's."""

_OF_EMAIL = r'[^@\s,;:<>()\[\]\\"\x00-\x1f\x7f]+'
EMAIL = rf"^{_OF_EMAIL}@{_OF_EMAIL}$"
"""One address: signs that lists and names of addresses are made of would lead to somebody else."""


class Details(BaseModel):
    """Name, ways to reach the member, and what the shop notes about them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, one_line(200)] | None = None
    email: str | None = Field(None, max_length=320, pattern=EMAIL)
    phone: str | None = Field(None, max_length=32, pattern=PHONE)
    card_no: str | None = Field(
        None, pattern=CARD_NO, description="What the till reads from the member's card or app"
    )
    birthday: str | None = Field(None, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    locale: Literal["en", "zh"] = Field("en", description="The language the member is written to")
    time_zone: str | None = Field(None, max_length=64, description="IANA name; none = programme's")
    tags: tuple[Name, ...] = Field((), max_length=100)

    @field_validator("birthday")
    @classmethod
    def _a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError("is not a day of the calendar") from None
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError("is not an IANA time zone such as Asia/Shanghai") from None
        return value


class DetailsChange(Details):
    """Changes of a member's details: what is not named stays, and `null` takes it away.

    Tags go with `[]`; everybody is written to in some language.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "lee.wang@example.com", "phone": None}]}
    )

    reason: Reason | None = Field(None, description="Why, where a person did it for the member")


def change_details(
    tx: Transaction, member_id: str, change: DetailsChange, actor: str
) -> tuple[str, ...]:
    """Change what is named; the names of what is different now. The same again changes nothing.

    Messages that wait to be sent go to the new address. Of the values nothing is kept but the
    member's row: the audit row has names of fields, so that erasing the member erases them.
    Raises Unknown, WrongState for who is no member any more, Invalid for another member's card.
    """
    member = tx.members.lock(member_id)
    needs_active(member)
    card_is_free(tx, change, member)
    named = change.model_fields_set & set(Details.model_fields)
    changed = replace(member, **stored_details(tx.programme, change, named))
    different = tuple(
        sorted(name for name in named if getattr(changed, name) != getattr(member, name))
    )
    if different:
        tx.members.save(changed)
        detail = {"fields": list(different)}
        tx.audit.add(actor, "member.change", member.id, change.reason, detail)
    return different


def card_is_free(tx: Transaction, details: Details, member: Member | None = None) -> None:
    """Raises Invalid if the card belongs to somebody else."""
    if details.card_no is None:
        return
    holders = tx.members.found_by("card_no", details.card_no)
    if any(member is None or holder != member.id for holder in holders):
        raise invalid_field("card_no", "taken", "is another member's card already")


def stored_details(programme: Programme, details: Details, names: Set[str]) -> dict[str, Any]:
    """These details as a member's row has them; a phone also as the digits it is found by."""
    values = details.model_dump(include=set(names))
    if "phone" in values:
        phone = values["phone"]
        values["phone_digits"] = phone_digits(phone, programme.phone_country) if phone else None
    return values
