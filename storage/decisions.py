"""Why things happened to members, or did not: one row per effect key, never changed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from loyalty.records import Decision
from storage import tables
from storage.rows import InsertOnce, Shape

_table = tables.decisions
SHAPE = Shape(Decision, _table)

_FIND = select(*SHAPE.columns).where(_table.c.key == bindparam("effect"))
_ADD = InsertOnce(_table)


class SqlDecisions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, decision: Decision) -> bool:
        """False when its key is there already."""
        return _ADD(self._connection, _values(decision))

    def add_many(self, decisions: Sequence[Decision]) -> None:
        """Add those whose keys are not there yet, in one statement."""
        if decisions:
            _ADD.many(self._connection, [_values(decision) for decision in decisions])

    def find(self, key: str) -> Decision | None:
        row = self._connection.execute(_FIND, {"effect": key}).one_or_none()
        return Decision(*row) if row else None


def _values(decision: Decision) -> dict[str, Any]:
    return SHAPE.values(decision) | {"inputs": dict(decision.inputs)}
