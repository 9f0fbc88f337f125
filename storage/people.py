"""People who may sign in: let in by a link, given a role, shut out; each change leaves a row."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from loyalty.access import Role, fingerprint
from loyalty.errors import Unknown, WrongState, invalid_field
from loyalty.people import Link, Person, email_of, keep_an_admin, name_of, only_admin, role_of
from loyalty.ports import Clock
from storage.audit import SqlAudit
from storage.database import Database
from storage.tables import people, sessions, sign_in_links

LINK_BYTES = 32


class SqlPeople:
    """Use from any thread. Links are returned once, as the text that goes into the address."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self) -> list[Person]:
        """Everybody, by name, those shut out included."""
        with self._database.read() as connection:
            return everybody(connection)

    def find(self, id: str) -> Person | None:
        with self._database.read() as connection:
            row = connection.execute(select(people).where(people.c.id == id)).first()
        return person_of(row) if row else None

    def password_of(self, email: str) -> tuple[Person, str | None] | None:
        """Who has this address, and the hash of the password, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(select(people).where(people.c.email == email)).first()
        return (person_of(row), row.password_hash) if row else None

    def invite(self, *, name: str, email: str, role: str, actor: str) -> tuple[Person, str]:
        """Let somebody in; the link sets the password. Raises Invalid for an address taken."""
        name, email, chosen = name_of(name), email_of(email), role_of(role)

        def work(connection: Connection) -> tuple[Person, str]:
            made = self._add(connection, name, email, chosen)
            self._audit(connection).add(actor, "person.invite", made.id, detail={"role": chosen})
            return made, self._link(connection, made.id)

        return self._database.run(work)

    def reset(self, id: str, *, actor: str) -> str:
        """A new link for somebody; the old password ends at once, and so do all sessions."""

        def work(connection: Connection) -> str:
            person = known(connection, id)
            if not person.active:
                raise WrongState(f"{person.name} is disabled: enable first.", person_id=id)
            self._change(connection, id, password_hash=None)
            end_sessions(connection, sessions.c.person_id == id, self._clock.now())
            self._audit(connection).add(actor, "person.reset", id)
            return self._link(connection, id)

        return self._database.run(work)

    def change_role(self, id: str, role: str, *, actor: str) -> Person:
        """The next page already has the new rights. Raises WrongState for the last admin."""
        chosen = role_of(role)

        def work(connection: Connection) -> Person:
            together = everybody(connection, lock=True)
            person = known(connection, id)
            if person.role != chosen:
                keep_an_admin(person, together)
                self._change(connection, id, role=chosen)
                detail = {"from": person.role, "to": chosen}
                self._audit(connection).add(actor, "person.role", id, detail=detail)
            return known(connection, id)

        return self._database.run(work)

    def set_active(self, id: str, active: bool, *, actor: str) -> Person:
        """Shut somebody out, ending all sessions, or let in again with the password of before."""

        def work(connection: Connection) -> Person:
            together = everybody(connection, lock=True)
            person = known(connection, id)
            if person.active != active:
                keep_an_admin(person, together)
                self._change(connection, id, active=active)
                if not active:
                    end_sessions(connection, sessions.c.person_id == id, self._clock.now())
                action = "person.enable" if active else "person.disable"
                self._audit(connection).add(actor, action, id)
            return known(connection, id)

        return self._database.run(work)

    def first_link(self) -> str | None:
        """A link with which the first admin is made; none when there is somebody already."""

        def work(connection: Connection) -> str | None:
            if everybody(connection):
                return None
            return self._link(connection, None)

        return self._database.run(work)

    def link(self, token: str) -> tuple[Link, Person | None] | None:
        """A link that can still be used, and whose it is."""
        with self._database.read() as connection:
            return self._good_link(connection, token)

    def use_link(self, token: str, password_hash: str, **first: str) -> Person:
        """Set the password the link allows; `first` has name and email of the first admin.

        Raises WrongState when the link was used, is too old, or somebody was first.
        """

        def work(connection: Connection) -> Person:
            # The first links are one door: of two that are used at once, one waits here.
            mine = sign_in_links.c.hash == fingerprint(token)
            door = select(sign_in_links.c.hash).where(mine | sign_in_links.c.person_id.is_(None))
            connection.execute(door.order_by(sign_in_links.c.hash).with_for_update()).all()
            found = self._good_link(connection, token)
            if found is None:
                raise WrongState("This link was used already, or is too old. Ask for a new one.")
            _, person = found
            if person is None:
                person = self._first_admin(connection, **first)
            used = {"used_at": self._clock.now()}
            connection.execute(update(sign_in_links).where(mine).values(used))
            self._change(connection, person.id, password_hash=password_hash)
            self._audit(connection).add(person.id, "person.password", person.id)
            return known(connection, person.id)

        return self._database.run(work)

    def welcome(self, *, email: str, name: str, role: Role) -> Person:
        """Somebody whom the identity provider vouches for, with the role it names today.

        The last admin stays one, until the provider sends another.
        """
        address = email_of(email)

        def work(connection: Connection) -> Person:
            together = everybody(connection, lock=True)
            person = next((each for each in together if each.email == address), None)
            if person is None:
                made = self._add(connection, name_of(name), address, role)
                detail = {"role": role, "how": "oidc"}
                self._audit(connection).add("oidc", "person.add", made.id, detail=detail)
                return made
            if person.active and person.role != role and not only_admin(person, together):
                self._change(connection, person.id, role=role)
                detail = {"from": person.role, "to": role}
                self._audit(connection).add("oidc", "person.role", person.id, detail=detail)
            return known(connection, person.id)

        return self._database.run(work)

    def _first_admin(self, connection: Connection, name: str = "", email: str = "") -> Person:
        if everybody(connection):
            raise WrongState("Somebody has used a first link before you. Ask for a link.")
        made = self._add(connection, name_of(name), email_of(email), "admin")
        self._audit(connection).add("first link", "person.add", made.id, detail={"role": "admin"})
        return made

    def _add(self, connection: Connection, name: str, email: str, role: Role) -> Person:
        taken = select(people.c.id).where(people.c.email == email)
        if connection.execute(taken).first():
            raise invalid_field("email", "taken", "belongs to somebody already")
        made = Person(
            f"person-{secrets.token_hex(4)}", name, email, role, True, False, self._clock.now()
        )
        row = {"id": made.id, "name": name, "email": email, "role": role, "active": True}
        connection.execute(insert(people).values(**row, created_at=made.created_at))
        return made

    def _link(self, connection: Connection, person_id: str | None) -> str:
        """One link for a person: an older one that was not used is void.

        First links may be several, one for each process that started; all end with the first use.
        """
        token, now = secrets.token_urlsafe(LINK_BYTES), self._clock.now()
        if person_id is not None:
            older = (sign_in_links.c.person_id == person_id) & sign_in_links.c.used_at.is_(None)
            connection.execute(update(sign_in_links).where(older).values(used_at=now))
        row = {"hash": fingerprint(token), "person_id": person_id, "created_at": now}
        connection.execute(insert(sign_in_links).values(**row))
        return token

    def _good_link(self, connection: Connection, token: str) -> tuple[Link, Person | None] | None:
        query = select(sign_in_links).where(sign_in_links.c.hash == fingerprint(token))
        row = connection.execute(query).first()
        if row is None:
            return None
        link = Link(row.person_id, row.created_at, row.used_at)
        person = known(connection, link.person_id) if link.person_id else None
        late = not person.active if person else bool(everybody(connection))
        return None if late or not link.good(self._clock.now()) else (link, person)

    def _change(self, connection: Connection, id: str, **values: Any) -> None:
        connection.execute(update(people).where(people.c.id == id).values(**values))

    def _audit(self, connection: Connection) -> SqlAudit:
        return SqlAudit(connection, self._clock.now())


def everybody(connection: Connection, *, lock: bool = False) -> list[Person]:
    """By name; with `lock` nobody else changes anybody until the transaction ends."""
    query = select(people).order_by(people.c.name, people.c.id)
    found = connection.execute(query.with_for_update() if lock else query)
    return [person_of(row) for row in found]


def known(connection: Connection, id: str) -> Person:
    row = connection.execute(select(people).where(people.c.id == id)).first()
    if row is None:
        raise Unknown("person", id)
    return person_of(row)


def end_sessions(connection: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """Those of them that had not ended before."""
    live = which & sessions.c.revoked_at.is_(None)
    connection.execute(update(sessions).where(live).values(revoked_at=now))


def person_of(row: Row[Any]) -> Person:
    has_password = row.password_hash is not None
    return Person(
        row.id, row.name, row.email, row.role, row.active, has_password,
        row.created_at, row.last_seen,
    )  # fmt: skip
