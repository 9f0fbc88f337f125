"""Lines for Temporal that a transaction leaves behind, written once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from storage.bulk import Bulk, Row
from storage.tables import outbox
from storage.undo import Undo

_add = Bulk(outbox, without=["id"])


class SendingRows:
    def __init__(self, connection: Connection, undo: Undo) -> None:
        self._connection = connection
        self._undo = undo
        self._rows: list[Row] = []

    def add(
        self,
        kind: str,
        workflow_id: str,
        payload: Mapping[str, Any],
        now: datetime,
        available_at: datetime | None,
        priority: int,
    ) -> None:
        available = available_at or now
        row = (kind, workflow_id, dict(payload), now, available, priority, 0, None, None, None)
        self._undo.append(self._rows, row)

    @property
    def dirty(self) -> bool:
        return bool(self._rows)

    def flush(self) -> None:
        _add(self._connection, self._rows)
        self._rows.clear()
