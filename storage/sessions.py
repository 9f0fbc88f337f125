"""Sessions in the database: the text in the browser's cookie is kept only as a hash."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from loyalty.access import fingerprint
from loyalty.errors import Unknown
from loyalty.people import How, Person, Session
from loyalty.ports import Clock
from storage.audit import SqlAudit
from storage.database import Database
from storage.people import end_sessions, known, person_of
from storage.tables import people, sessions

TOKEN_BYTES = 32


class SqlSessions:
    """Opens, recognises and ends sessions; use from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def open(self, person_id: str, how: How) -> str:
        """A new session; the text for the cookie is returned here and never again."""
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._clock.now()

        def work(connection: Connection) -> str:
            row = {
                "id": f"session-{secrets.token_hex(6)}",
                "hash": fingerprint(token),
                "person_id": person_id,
                "how": how,
                "created_at": now,
                "seen_at": now,
            }
            connection.execute(insert(sessions).values(**row))
            mine = people.c.id == person_id
            connection.execute(update(people).where(mine).values(last_seen=now))
            SqlAudit(connection, now).add(person_id, "session.open", person_id, detail={"how": how})
            return token

        return self._database.run(work)

    def recognise(self, token: str) -> tuple[Person, Session] | None:
        """Whose live session this is; its use is noted, at most once a minute."""
        query = (
            select(people, *[c.label(f"session_{c.name}") for c in sessions.c])
            .join(sessions, sessions.c.person_id == people.c.id)
            .where(sessions.c.hash == fingerprint(token))
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None or not row.active:
            return None
        session, now = _session(row, "session_"), self._clock.now()
        if not session.live(now):
            return None
        if session.worth_noting(now):
            self._note(session, now)
        return person_of(row), session

    def of(self, person_id: str) -> list[Session]:
        """The live sessions of somebody, newest first."""
        query = (
            select(sessions)
            .where(sessions.c.person_id == person_id, sessions.c.revoked_at.is_(None))
            .order_by(sessions.c.seen_at.desc(), sessions.c.id)
        )
        now = self._clock.now()
        with self._database.read() as connection:
            found = [_session(row) for row in connection.execute(query)]
        return [each for each in found if each.live(now)]

    def end(self, id: str, *, actor: str) -> None:
        """End one session; ending it again changes nothing."""

        def work(connection: Connection) -> None:
            row = connection.execute(select(sessions).where(sessions.c.id == id)).first()
            if row is None:
                raise Unknown("session", id)
            if row.revoked_at is None:
                now = self._clock.now()
                end_sessions(connection, sessions.c.id == id, now)
                audit = SqlAudit(connection, now)
                audit.add(actor, "session.end", row.person_id, detail={"session": id})

        self._database.run(work)

    def end_all(self, person_id: str, *, actor: str) -> None:
        """Sign somebody out everywhere."""

        def work(connection: Connection) -> None:
            known(connection, person_id)
            now = self._clock.now()
            end_sessions(connection, sessions.c.person_id == person_id, now)
            SqlAudit(connection, now).add(actor, "session.end_all", person_id)

        self._database.run(work)

    def _note(self, session: Session, now: datetime) -> None:
        def work(connection: Connection) -> None:
            connection.execute(
                update(sessions).where(sessions.c.id == session.id).values(seen_at=now)
            )
            mine = people.c.id == session.person_id
            connection.execute(update(people).where(mine).values(last_seen=now))

        self._database.run(work)


def _session(row: Row[Any], prefix: str = "") -> Session:
    names = ("id", "person_id", "how", "created_at", "seen_at", "revoked_at")
    return Session(*[getattr(row, prefix + name) for name in names])
