"""Who did what to which thing, and why. Rows are only ever added."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from storage import tables

_ADD = insert(tables.audit)


class SqlAudit:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        actor: str,
        action: str,
        target: str,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Put one act on record, in the transaction that carries it out."""
        act = {"actor": actor, "action": action, "target": target, "reason": reason}
        self._connection.execute(_ADD, {**act, "detail": dict(detail or {}), "at": self._now})
