"""How a row becomes one of the domain's records, and back, without an ORM.

Columns are selected in the order of the record's fields, so that building one is a plain call.
"""

from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

R = TypeVar("R")


class Shape(Generic[R]):
    """A record type and the columns of its table that hold it."""

    def __init__(self, record: type[R], table: Table) -> None:
        self.names: tuple[str, ...] = tuple(f.name for f in fields(record))  # type: ignore[arg-type]
        self.columns: tuple[Column[Any], ...] = tuple(table.c[name] for name in self.names)
        self._values = attrgetter(*self.names)

    def values(self, record: R) -> dict[str, Any]:
        """The record's fields as parameters of an insert or update."""
        return dict(zip(self.names, self._values(record), strict=True))


class InsertOnce:
    """An insert that answers instead of failing when a unique key is there already."""

    def __init__(self, table: Table) -> None:
        # The count of rows is what answers; for inserts SQLAlchemy forgets it unless asked not to.
        kept = {"preserve_rowcount": True}
        self._statements: dict[str, Executable] = {
            dialect: insert(table).on_conflict_do_nothing().inline().execution_options(**kept)
            for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
        }

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> bool:
        result = connection.execute(self._statements[connection.dialect.name], row)
        return result.rowcount == 1


class AddUp:
    """An insert that adds its figures to those of the row with the same primary key."""

    def __init__(self, table: Table) -> None:
        self._statements: dict[str, Executable] = {}
        keys = [column.name for column in table.primary_key]
        figures = [column for column in table.columns if column.name not in keys]
        for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
            statement = insert(table)
            self._statements[name] = statement.on_conflict_do_update(
                index_elements=keys,
                set_={each.name: each + statement.excluded[each.name] for each in figures},
            )

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> None:
        connection.execute(self._statements[connection.dialect.name], row)


class Upsert:
    """An insert that writes over the row with the same primary key."""

    def __init__(self, table: Table) -> None:
        self._statements: dict[str, Executable] = {}
        keys = [column.name for column in table.primary_key]
        rest = [column.name for column in table.columns if column.name not in keys]
        for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert)):
            statement = insert(table)
            self._statements[name] = statement.on_conflict_do_update(
                index_elements=keys, set_={column: statement.excluded[column] for column in rest}
            )

    def __call__(self, connection: Connection, row: Mapping[str, Any]) -> None:
        connection.execute(self._statements[connection.dialect.name], row)
