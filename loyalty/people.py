"""People who sign in to the console, their sessions and their links: the rules, without a database.

A person acts with one role, as a key does. Whoever is signed in holds a session: a random text in
a cookie of which only the hash is kept, ended by idleness, by age, or by an admin.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from loyalty.access import ROLES, Role
from loyalty.errors import WrongState, invalid_field

IDLE = timedelta(hours=8)
"""A session ends when nobody used it for a working day."""
LONGEST = timedelta(days=7)
"""However busy, a session ends then: the person signs in again."""
LINK_LIFE = timedelta(hours=24)
SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is kept: a write for every page would be waste."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200

How = Literal["password", "oidc"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in. `has_password` is false until the link was used."""

    id: str
    name: str
    email: str
    role: Role
    active: bool
    has_password: bool
    created_at: datetime
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    id: str
    person_id: str
    how: How
    created_at: datetime
    seen_at: datetime
    revoked_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Whether it still counts: not ended by hand, idleness or age."""
        if self.revoked_at is not None:
            return False
        return now < self.seen_at + IDLE and now < self.created_at + LONGEST

    def worth_noting(self, now: datetime) -> bool:
        """Whether its last use is so long past that this one is written down."""
        return now >= self.seen_at + SEEN_EVERY


@dataclass(frozen=True, slots=True)
class Link:
    """A link that lets one person set a password once. Without a person: the first admin's."""

    person_id: str | None
    created_at: datetime
    used_at: datetime | None

    def good(self, now: datetime) -> bool:
        return self.used_at is None and now < self.created_at + LINK_LIFE


def email_of(text: str) -> str:
    """The address as it is kept and compared: trimmed, lower case. Raises Invalid."""
    address = text.strip().lower()
    name, at, host = address.rpartition("@")
    if not (name and at and host) or len(address) > 200 or any(c.isspace() for c in address):
        raise invalid_field("email", "email", "must be an e-mail address")
    return address


def name_of(text: str) -> str:
    """A person's name as it is shown. Raises Invalid when there is none, or far too much."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= 80:
        raise invalid_field("name", "length", "must have 1 to 80 characters")
    return name


def role_of(text: str) -> Role:
    """Raises Invalid for a role that does not exist."""
    for role in ROLES:
        if role == text:
            return role
    raise invalid_field("role", "unknown_role", "is no role", ROLES)


def check_password(password: str, *, email: str = "") -> None:
    """Length is what counts; the address itself is no password. Raises Invalid."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise invalid_field(
            "password",
            "length",
            f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
        )
    if len(set(password)) < 5 or (email and password.strip().lower() == email):
        raise invalid_field("password", "guessable", "is too easy to guess")


def only_admin(person: Person, people: list[Person]) -> bool:
    """Whether nobody could let people in any more without this person."""
    return [each.id for each in people if each.active and each.role == "admin"] == [person.id]


def keep_an_admin(person: Person, people: list[Person]) -> None:
    """The last admin stays one. Raises WrongState."""
    if only_admin(person, people):
        raise WrongState(
            f"{person.name} is the only admin. Make somebody else an admin first.",
            person_id=person.id,
        )
