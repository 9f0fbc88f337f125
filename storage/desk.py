"""The acts on messages that are no journey's: a member reads one, an operator sends one again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from loyalty.errors import Unknown
from loyalty.ports import Clock
from loyalty.programme import Programme
from storage.audit import SqlAudit
from storage.database import Database
from storage.message_line import SqlMessageLine
from storage.messages import SqlMessages


class SqlDesk:
    """Each call is one transaction; use from any thread."""

    def __init__(self, database: Database, clock: Clock, programme: Programme) -> None:
        self._database = database
        self._clock = clock
        self._programme = programme

    def mark_read(self, member_id: str, key: str) -> bool:
        """False when the member has no such in-app message; the first reading counts."""

        def work(connection: Connection) -> bool:
            try:
                SqlMessages(connection, self._programme, self._clock.now()).read(member_id, key)
            except Unknown:
                return False
            return True

        return self._database.run(work)

    def resend(self, key: str, *, actor: str, reason: str) -> Mapping[str, Any]:
        """Put a failed message, or one of unknown fate, in line again, and say who wanted it."""

        def work(connection: Connection) -> Mapping[str, Any]:
            now = self._clock.now()
            SqlMessageLine(connection, self._programme, now).resend(key)
            SqlAudit(connection, now).add(actor, "message.resend", key, reason)
            return {"key": key, "status": "queued"}

        return self._database.run(work)
