"""The ports of signing in: who may, and which browsers are signed in now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from loyalty.access import Role
from loyalty.errors import WrongState
from loyalty.people import How, Link, Person, Session


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID Connect provider; `roles` maps values of the claim to roles, best first."""

    issuer: str
    client_id: str
    client_secret: str
    role_claim: str
    roles: Sequence[tuple[str, Role]]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in here, and the address they reach us at."""

    local: bool = True
    provider: Provider | None = None
    public_url: str | None = None


def check_links(local: bool) -> None:
    """A link sets a password: where those are switched off, none is made. Raises WrongState."""
    if not local:
        raise WrongState(
            "Passwords and links are switched off here: people sign in with the company's account, "
            "which names their role."
        )


class People(Protocol):
    """Links are returned once, as the text that goes into the address; only a hash is kept."""

    def list(self) -> list[Person]:
        """Everybody, by name, those shut out included."""
        ...

    def find(self, id: str) -> Person | None: ...

    def password_of(self, email: str) -> tuple[Person, str | None] | None:
        """Who has this address, and the hash of the password, if there is one."""
        ...

    def invite(self, *, name: str, email: str, role: str, actor: str) -> tuple[Person, str]: ...

    def reset(self, id: str, *, actor: str) -> str: ...

    def change_role(self, id: str, role: str, *, actor: str) -> Person: ...

    def set_active(self, id: str, active: bool, *, actor: str) -> Person: ...

    def first_link(self) -> str | None:
        """A link with which the first admin is made; none when there is somebody already."""
        ...

    def link(self, token: str) -> tuple[Link, Person | None] | None:
        """A link that can still be used, and whose it is."""
        ...

    def use_link(self, token: str, password_hash: str, **first: str) -> Person: ...

    def welcome(self, *, email: str, name: str, role: Role) -> Person:
        """Somebody whom the identity provider vouches for, with the role it names today."""
        ...


class Sessions(Protocol):
    def open(self, person_id: str, how: How) -> str:
        """A new session; the text for the cookie is returned here and never again."""
        ...

    def recognise(self, token: str) -> tuple[Person, Session] | None:
        """Whose live session this is."""
        ...

    def of(self, person_id: str) -> list[Session]:
        """The live sessions of somebody, newest first."""
        ...

    def end(self, id: str, *, actor: str) -> None: ...

    def end_all(self, person_id: str, *, actor: str) -> None: ...
