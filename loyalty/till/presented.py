"""Who stands at the till: by member id, card or phone number (feature 6)."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from loyalty.errors import Unknown, invalid_field
from loyalty.events import Body
from loyalty.member_details import CARD_NO, PHONE
from loyalty.members import phone_digits
from loyalty.ports import Transaction
from loyalty.registration import MEMBER_ID


class Presented(Body):
    """One of the three, whichever the member has at hand."""

    member_id: Annotated[str, Field(pattern=MEMBER_ID)] | None = None
    card_no: Annotated[str, Field(pattern=CARD_NO)] | None = None
    phone: Annotated[str, Field(max_length=32, pattern=PHONE)] | None = Field(
        None, description="however it is written: spaces and the country's code do not matter"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [each for each in (self.member_id, self.card_no, self.phone) if each is not None]
        if len(given) != 1:
            raise ValueError("name the member by exactly one of member_id, card_no or phone")
        return self


def member_at(tx: Transaction, presented: Presented) -> str:
    """The member's id. Raises Unknown; a number that several members share is refused."""
    if presented.member_id is not None:
        return presented.member_id
    if presented.card_no is not None:
        field, shown = "card_no", presented.card_no
        found = tx.members.found_by("card_no", presented.card_no)
    else:
        phone = presented.phone or ""
        digits = phone_digits(phone, tx.programme.phone_country)
        # The end of a number is enough for the clerk, and too little for anybody else.
        field, shown = "phone", f"phone ending in {digits[-4:]}"
        found = tx.members.found_by("phone_digits", digits)
    if not found:
        raise Unknown("member", shown)
    if len(found) > 1:
        raise invalid_field(
            field, "several", "belongs to more than one member; use the card or the member's id"
        )
    return found[0]
