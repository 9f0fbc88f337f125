"""Why things happened to members, or did not: one row per effect key, never changed."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from loyalty.records import Decision
from storage import tables
from storage.decision_rows import DecisionRows
from storage.rows import Shape

_table = tables.decisions
SHAPE = Shape(Decision, _table)

_FIND = select(*SHAPE.columns).where(_table.c.key == bindparam("effect"))


class SqlDecisions:
    def __init__(self, connection: Connection, rows: DecisionRows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, decision: Decision) -> None:
        """Put it on record; one whose key is there already changes nothing."""
        self._rows.add(decision)

    def add_many(self, decisions: Sequence[Decision]) -> None:
        """The same for several."""
        for decision in decisions:
            self._rows.add(decision)

    def find(self, key: str) -> Decision | None:
        if pending := self._rows.find(key):
            return pending
        row = self._connection.execute(_FIND, {"effect": key}).one_or_none()
        return Decision(*row) if row else None
