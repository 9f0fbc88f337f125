"""Recorded events: each (source, event id) once, in the order they came in."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from loyalty.records import InboxEvent
from storage import tables
from storage.batch import Batch
from storage.rows import Shape

_table = tables.inbox
_shape = Shape(InboxEvent, _table)
_all = select(*_shape.columns)

_GET = _all.where(_table.c.seq == bindparam("number"))
_REFUNDS = _all.where(_table.c.refunds_seq == bindparam("number")).order_by(_table.c.seq)
_BETWEEN = _all.where(
    _table.c.member_id == bindparam("member"),
    _table.c.type.in_(bindparam("types", expanding=True)),
    _table.c.occurred_at > bindparam("after"),
    _table.c.occurred_at < bindparam("before"),
).order_by(_table.c.occurred_at, _table.c.seq)
_LAST = select(func.max(_table.c.occurred_at)).where(
    _table.c.member_id == bindparam("member"), _table.c.type == bindparam("asked")
)
_CHANGE = update(_table).where(_table.c.seq == bindparam("number"))


class SqlInbox:
    def __init__(self, batch: Batch) -> None:
        self._events = batch.events
        self._connection = batch.direct

    def find(self, source: str, event_id: str) -> InboxEvent | None:
        return self._events.find(source, event_id)

    def add(self, event: InboxEvent) -> int:
        """Record it and return its number: that of the event, or the next if it has none."""
        return self._events.add(event)

    def number(self) -> int:
        return self._events.number()

    def answer(self, seq: int, answer: Mapping[str, Any]) -> None:
        if not self._events.change(seq, answer=dict(answer)):
            self._connection.execute(_CHANGE, {"number": seq, "answer": dict(answer)})

    def get(self, seq: int) -> InboxEvent | None:
        if pending := self._events.pending.get(seq):
            return pending
        row = self._connection.execute(_GET, {"number": seq}).one_or_none()
        return InboxEvent(*row) if row else None

    def last_at(self, member_id: str, type: str) -> datetime | None:
        """When the member's last event of a type occurred, whatever was taken back of it."""
        asked = {"member": member_id, "asked": type}
        stored = self._connection.execute(_LAST, asked).scalar_one()
        pending = [
            event.occurred_at
            for event in self._events.pending.values()
            if (event.member_id, event.type) == (member_id, type)
        ]
        return max((at for at in (stored, *pending) if at), default=None)

    def refunds_of(self, seq: int) -> Sequence[InboxEvent]:
        rows = self._connection.execute(_REFUNDS, {"number": seq})
        pending = self._events.pending.values()
        return [
            *(InboxEvent(*row) for row in rows),
            *(event for event in pending if event.refunds_seq == seq),
        ]

    def refunded(self, seq: int, total_minor: int) -> None:
        if not self._events.change(seq, refunded_minor=total_minor):
            self._connection.execute(_CHANGE, {"number": seq, "refunded_minor": total_minor})

    def between(
        self, member_id: str, types: Iterable[str], after: datetime, before: datetime
    ) -> Sequence[InboxEvent]:
        """A member's events of these types with after < occurred_at < before, by time then seq."""
        wanted = sorted(types)
        window = {"member": member_id, "types": wanted, "after": after, "before": before}
        found = [InboxEvent(*row) for row in self._connection.execute(_BETWEEN, window)]
        pending = [
            event
            for event in self._events.pending.values()
            if event.member_id == member_id
            and event.type in wanted
            and after < event.occurred_at < before
        ]
        if not pending:
            return found
        return sorted([*found, *pending], key=lambda event: (event.occurred_at, event.seq))
