"""What Temporal is still to be told: written with the change it tells of, sent by the relay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, select, update

from storage.sending_rows import SendingRows
from storage.tables import outbox

_DUE = and_(
    outbox.c.sent_at.is_(None),
    outbox.c.dead_at.is_(None),
    outbox.c.available_at <= bindparam("now"),
)
_IN_TURN: tuple[ColumnElement[int], ...] = (outbox.c.priority, outbox.c.id)
_COLUMNS = (
    outbox.c.id,
    outbox.c.kind,
    outbox.c.workflow_id,
    outbox.c.payload,
    outbox.c.priority,
    outbox.c.attempts,
    outbox.c.created_at,
)
_LOOK = select(*_COLUMNS).where(_DUE).order_by(*_IN_TURN).limit(bindparam("most"))
_TAKE = (
    update(outbox)
    .where(
        outbox.c.id.in_(
            select(outbox.c.id)
            .where(_DUE)
            .order_by(*_IN_TURN)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
    )
    .values(available_at=bindparam("leased_until"))
    .returning(*_COLUMNS)
)
_SENT = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(sent_at=bindparam("at"), last_error=bindparam("note"), attempts=outbox.c.attempts + 1)
)
_FAILED = (
    update(outbox)
    .where(outbox.c.id == bindparam("row"))
    .values(
        attempts=outbox.c.attempts + 1,
        last_error=bindparam("error"),
        available_at=bindparam("at"),
        dead_at=bindparam("dead"),
    )
)
# A relay that dies keeps its rows from the others for this long; sending twice would be harmless.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    id: int
    kind: str
    workflow_id: str
    payload: Mapping[str, Any]
    priority: int
    attempts: int
    created_at: datetime


class SendingOutbox:
    """The Outbox port inside a batch: lines are written with the rest of it."""

    def __init__(self, rows: SendingRows, now: datetime) -> None:
        self._rows = rows
        self._now = now

    def add(
        self,
        kind: str,
        workflow_id: str,
        payload: Mapping[str, Any],
        *,
        available_at: datetime | None = None,
        priority: int = 3,
    ) -> None:
        """Put one line in; it goes out once this transaction has been committed."""
        self._rows.add(kind, workflow_id, payload, self._now, available_at, priority)


class SqlOutbox:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        kind: str,
        workflow_id: str,
        payload: Mapping[str, Any],
        *,
        available_at: datetime | None = None,
        priority: int = 3,
    ) -> int:
        """Put one line in; it goes out once this transaction has been committed."""
        number = self._connection.execute(
            insert(outbox)
            .values(
                kind=kind,
                workflow_id=workflow_id,
                payload=dict(payload),
                created_at=self._now,
                available_at=available_at or self._now,
                priority=priority,
            )
            .returning(outbox.c.id)
        ).scalar_one()
        return int(number)

    def take(self, most: int) -> Sequence[OutboxRow]:
        """Due rows, urgent ones first, then by age.

        On PostgreSQL each row goes to one relay only, for the length of a lease; SQLite has one
        relay, which need not write to read.
        """
        asked: dict[str, Any] = {"now": self._now, "most": most}
        statement: Any = _LOOK
        if self._connection.dialect.name == "postgresql":
            statement, asked["leased_until"] = _TAKE, self._now + LEASE
        rows = [OutboxRow(*row) for row in self._connection.execute(statement, asked)]
        return sorted(rows, key=lambda row: (row.priority, row.id))

    def sent(self, notes: Mapping[int, str | None]) -> None:
        """These rows were delivered, each with a note or none (`late`: its run had ended)."""
        if notes:
            self._connection.execute(
                _SENT, [{"row": row, "at": self._now, "note": note} for row, note in notes.items()]
            )

    def failed(self, row: int, error: str, *, for_good: bool) -> None:
        """It was not delivered; for good = nobody tries again until an operator says so."""
        dead = self._now if for_good else None
        self._connection.execute(
            _FAILED, {"row": row, "error": error[:500], "at": self._now, "dead": dead}
        )

    def due(self) -> int:
        """How many rows could go out now and have not."""
        counted = select(func.count()).select_from(outbox).where(_DUE)
        return int(self._connection.execute(counted, {"now": self._now}).scalar_one())
