"""Decisions of one transaction, written once; a key that is there already stays as it was."""

from operator import attrgetter

from sqlalchemy import Connection

from loyalty.records import Decision
from storage.bulk import Bulk
from storage.tables import decisions
from storage.undo import Undo

_COLUMNS = [column.name for column in decisions.columns if column.name != "id"]
_row = attrgetter(*_COLUMNS)
_add = Bulk(decisions, keys=["key"], without=["id"])


class DecisionRows:
    """What was decided and is not a row yet."""

    def __init__(self, connection: Connection, undo: Undo) -> None:
        self._connection = connection
        self._undo = undo
        self._pending: dict[str, Decision] = {}

    def add(self, decision: Decision) -> None:
        if decision.key not in self._pending:
            self._undo.put(self._pending, decision.key, decision)

    def find(self, key: str) -> Decision | None:
        return self._pending.get(key)

    @property
    def dirty(self) -> bool:
        return bool(self._pending)

    def flush(self) -> None:
        _add(self._connection, [_row(decision) for decision in self._pending.values()])
        self._pending.clear()

    def forget(self) -> None:
        self._pending.clear()
