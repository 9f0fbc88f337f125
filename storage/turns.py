"""The outcome of each turn of a journey or campaign, so that a repeated turn answers the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from storage import tables

_table = tables.turns

_STORED = select(_table.c.outcome).where(
    _table.c.subject == bindparam("whose"), _table.c.turn == bindparam("number")
)
_STORE = insert(_table)


class SqlTurns:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def stored(self, subject: str, turn: int) -> Mapping[str, Any] | None:
        parameters = {"whose": subject, "number": turn}
        outcome: Mapping[str, Any] | None
        outcome = self._connection.execute(_STORED, parameters).scalar_one_or_none()
        return outcome

    def store(self, subject: str, turn: int, outcome: Mapping[str, Any]) -> None:
        row = {"subject": subject, "turn": turn, "outcome": dict(outcome), "at": self._now}
        self._connection.execute(_STORE, row)
