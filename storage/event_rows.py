"""Recorded events of one transaction: found, numbered and answered in memory, written once."""

from collections.abc import Iterable
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection

from loyalty.records import InboxEvent
from storage.bulk import Bulk, instant
from storage.selected import Loading, Query, load
from storage.tables import inbox
from storage.undo import Undo

_COLUMNS = [column.name for column in inbox.columns]
_FIELDS = [field.name for field in fields(InboxEvent)]
_LISTED = ", ".join(f"inbox.{name}" for name in _FIELDS)
_FIND = (
    f"SELECT {_LISTED} FROM inbox JOIN {{pairs}} ON inbox.source = asked.first "
    "AND inbox.event_id = asked.second"
)
_NUMBERS = "SELECT nextval('inbox_seq_seq') FROM unnest(%s::int[]) AS asked(number)"
_add = Bulk(inbox)
_row = attrgetter(*_COLUMNS)
_AT = {name: at for at, name in enumerate(_FIELDS)}


class EventRows:
    """Events that this transaction looked for or records."""

    def __init__(self, connection: Connection, undo: Undo, units: int) -> None:
        self._connection = connection
        self._undo = undo
        self._units = units
        self._numbers: list[int] = []
        self._found: dict[tuple[str, str], InboxEvent | None] = {}
        self.pending: dict[int, InboxEvent] = {}

    def loading(self, names: Iterable[tuple[str, str]]) -> Loading:
        """Look these (source, event id) up in one query."""
        wanted = sorted(set(names) - self._found.keys())
        if not wanted:
            return
        asked = [Query(_FIND, wanted)]
        if self._units and not self._numbers and self._connection.dialect.name != "sqlite":
            asked.append(Query(_NUMBERS, range(self._units)))
        rows, *numbers = yield asked
        for taken in numbers:
            self._numbers = sorted((row[0] for row in taken), reverse=True)
        self._found.update(dict.fromkeys(wanted))
        for row in rows:
            event = _event(row)
            self._found[event.source, event.event_id] = event

    def find(self, source: str, event_id: str) -> InboxEvent | None:
        if (source, event_id) not in self._found:
            load(self._connection, self.loading([(source, event_id)]))
        return self._found[source, event_id]

    def add(self, event: InboxEvent) -> int:
        seq = event.seq or self.number()
        recorded = event if event.seq else replace(event, seq=seq, answer={})
        self._undo.put(self.pending, seq, recorded)
        self._undo.put(self._found, (event.source, event.event_id), recorded)
        return seq

    def change(self, seq: int, **values: Any) -> bool:
        """Change an event that is not written yet; false when it is a row already."""
        event = self.pending.get(seq)
        if event is None:
            for name, found in self._found.items():
                if found is not None and found.seq == seq:
                    self._undo.put(self._found, name, replace(found, **values))
            return False
        changed = replace(event, **values)
        self._undo.put(self.pending, seq, changed)
        self._undo.put(self._found, (event.source, event.event_id), changed)
        return True

    def number(self) -> int:
        """The next number; one that is not used leaves a gap."""
        if not self._numbers:
            if self._connection.dialect.name == "sqlite":
                last = self._connection.exec_driver_sql("SELECT max(seq) FROM inbox").scalar() or 0
                last = max(last, *self.pending, 0)
                self._numbers = list(range(last + 64, last, -1))
            else:
                taken = self._connection.exec_driver_sql(
                    "SELECT nextval('inbox_seq_seq') FROM generate_series(1, %s)", (self._units,)
                )
                self._numbers = sorted(taken.scalars(), reverse=True)
        return self._numbers.pop()

    @property
    def dirty(self) -> bool:
        return bool(self.pending)

    def flush(self) -> None:
        _add(self._connection, [_row(event) for event in self.pending.values()])
        self.pending.clear()

    def forget(self) -> None:
        """Look again: what is known here was taken back."""
        self._found.clear()
        self.pending.clear()
        self._numbers.clear()


def _event(row: Any) -> InboxEvent:
    values = list(row)
    for name in ("occurred_at", "recorded_at"):
        values[_AT[name]] = instant(values[_AT[name]])
    for name in ("body", "answer"):
        if isinstance(values[_AT[name]], str):
            values[_AT[name]] = orjson.loads(values[_AT[name]])
    return InboxEvent(*values)
