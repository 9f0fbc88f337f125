"""What somebody typed into the search box, in every form that it may stand on record.

One text is looked up as everything it could be: an id, a card, a phone number, an address, a
receipt. All of these are exact; only a campaign is also found by how its name begins.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from loyalty.members import phone_digits

Kind = Literal["member", "campaign", "run", "receipt", "transaction", "claim"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they are listed."""
Mark = Literal["id", "card", "phone", "email", "name", "number"]
"""By what a thing was found."""

LONGEST = 255
_PHONE_SIGNS = frozenset("0123456789 ()-+.")
_FEWEST_DIGITS = 5
_SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Sought:
    """A text with the forms it may have. What is none it cannot be, so nobody looks for it."""

    text: str
    phone: str | None = None  # digits with the country before them
    email: str | None = None  # in small letters
    name_begins: str | None = None  # a campaign's name, in small letters

    @property
    def tried(self) -> tuple[str, ...]:
        """Which look-ups were made, for whoever found nothing."""
        marks = ["member_id", "card"]
        marks += ["phone"] if self.phone else []
        marks += ["email"] if self.email else []
        marks += ["receipt", "transaction", "campaign_id"]
        marks += ["campaign_name"] if self.name_begins else []
        return (*marks, "run", "claim")


def sought(text: str, country: str) -> Sought:
    """Read what was typed; `country` is the programme's dialling code."""
    text = text.strip()
    return Sought(
        text=text,
        phone=_phone(text, country),
        email=text.lower() if "@" in text else None,
        name_begins=text.lower() if len(text) >= _SHORTEST_NAME else None,
    )


def _phone(text: str, country: str) -> str | None:
    digits = sum(sign.isdigit() for sign in text)
    if digits < _FEWEST_DIGITS or not set(text) <= _PHONE_SIGNS:
        return None
    return phone_digits(text, country)
