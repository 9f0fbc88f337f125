"""Rows as plain mappings, and pages of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Executable, Table

View = dict[str, Any]


def rows(connection: Connection, statement: Executable) -> list[View]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def first(connection: Connection, statement: Executable) -> View | None:
    row = connection.execute(statement).mappings().first()
    return dict(row) if row else None


def without(table: Table, *names: str) -> Sequence[Column[Any]]:
    """The table's columns but for those that are nobody's to read."""
    return [column for column in table.columns if column.name not in names]
