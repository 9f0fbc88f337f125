"""Rows as plain mappings, and pages of them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Executable, Select, Table, and_, or_

View = dict[str, Any]


def rows(connection: Connection, statement: Executable) -> list[View]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def newest_first(
    connection: Connection, query: Select[Any], at: Any, key: Any, after: str, limit: int
) -> list[View]:
    """A page of rows, newest first, and by key where several came at one instant.

    `after` is the key of the last row seen; empty = from the newest on.
    """
    if after:
        last = query.with_only_columns(at).where(key == after).correlate(None).scalar_subquery()
        query = query.where(or_(at < last, and_(at == last, key > after)))
    return rows(connection, query.order_by(at.desc(), key).limit(limit))


def first(connection: Connection, statement: Executable) -> View | None:
    row = connection.execute(statement).mappings().first()
    return dict(row) if row else None


def without(table: Table, *names: str) -> Sequence[Column[Any]]:
    """The table's columns but for those that are nobody's to read."""
    return [column for column in table.columns if column.name not in names]
