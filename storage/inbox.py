"""Recorded events: each (source, event id) once, in the order they came in."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from loyalty.records import InboxEvent
from storage import tables
from storage.rows import Shape

_table = tables.inbox
_shape = Shape(InboxEvent, _table)
_all = select(*_shape.columns)

_FIND = _all.where(
    _table.c.source == bindparam("from_source"), _table.c.event_id == bindparam("event")
)
_GET = _all.where(_table.c.seq == bindparam("number"))
_REFUNDS = _all.where(_table.c.refunds_seq == bindparam("number")).order_by(_table.c.seq)
_BETWEEN = _all.where(
    _table.c.member_id == bindparam("member"),
    _table.c.type.in_(bindparam("types", expanding=True)),
    _table.c.occurred_at > bindparam("after"),
    _table.c.occurred_at < bindparam("before"),
).order_by(_table.c.occurred_at, _table.c.seq)
_ADD = insert(_table).returning(_table.c.seq)
_CHANGE = update(_table).where(_table.c.seq == bindparam("number"))


class SqlInbox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, source: str, event_id: str) -> InboxEvent | None:
        key = {"from_source": source, "event": event_id}
        row = self._connection.execute(_FIND, key).one_or_none()
        return InboxEvent(*row) if row else None

    def add(self, event: InboxEvent) -> int:
        """Record it; `seq` and `answer` of the argument are ignored. Returns its seq."""
        row = _shape.values(event) | {"body": dict(event.body), "answer": {}}
        del row["seq"]
        return int(self._connection.execute(_ADD, row).scalar_one())

    def answer(self, seq: int, answer: Mapping[str, Any]) -> None:
        self._connection.execute(_CHANGE, {"number": seq, "answer": dict(answer)})

    def get(self, seq: int) -> InboxEvent | None:
        row = self._connection.execute(_GET, {"number": seq}).one_or_none()
        return InboxEvent(*row) if row else None

    def refunds_of(self, seq: int) -> Sequence[InboxEvent]:
        rows = self._connection.execute(_REFUNDS, {"number": seq})
        return [InboxEvent(*row) for row in rows]

    def refunded(self, seq: int, total_minor: int) -> None:
        self._connection.execute(_CHANGE, {"number": seq, "refunded_minor": total_minor})

    def between(
        self, member_id: str, types: Iterable[str], after: datetime, before: datetime
    ) -> Sequence[InboxEvent]:
        """A member's events of these types with after < occurred_at < before, by time then seq."""
        window = {"member": member_id, "types": sorted(types), "after": after, "before": before}
        return [InboxEvent(*row) for row in self._connection.execute(_BETWEEN, window)]
