"""Many rows in one statement, on either database: what group commit writes with.

PostgreSQL takes them as arrays, SQLite row by row without leaving its own code. Values are given as
tuples in the order of the table's columns.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
)
from sqlalchemy.dialects import postgresql

from loyalty.ledger import stamp
from storage import arrays
from storage.roundtrip import Statement, send
from storage.schema.core import Instant

Row = tuple[Any, ...]


@lru_cache(maxsize=8192)
def written(value: datetime) -> str:
    """An instant as SQLite keeps it."""
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


@lru_cache(maxsize=8192)
def instant(value: Any) -> datetime:
    """An instant as either driver gives it."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    at: datetime = value.astimezone(UTC)
    return at


def dumped(value: Any) -> str:
    """JSON as columns keep it."""
    return orjson.dumps(value).decode()


def _binary(value: bytes) -> str:
    return "\\x" + value.hex()


def _boolean(value: bool) -> str:
    return "t" if value else "f"


def _for_postgresql(column: Column[Any]) -> Callable[[Sequence[Any]], str]:
    """How a list of the column's values is sent."""
    kinds: tuple[tuple[Any, Callable[[Sequence[Any]], str]], ...] = (
        (Instant, arrays.written_by(stamp)),
        (JSON, arrays.written_by(dumped)),
        (LargeBinary, arrays.written_by(_binary)),
        (Boolean, arrays.written_by(_boolean)),
        ((BigInteger, Integer), arrays.numbers),
    )
    return next((array for kind, array in kinds if isinstance(column.type, kind)), arrays.texts)


def _for_sqlite(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, Instant):
        return written
    if isinstance(column.type, JSON):
        return dumped
    return None


_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def _sent_as(column: Column[Any]) -> str:
    """Text without its length: a cast to it would cut what is too long instead of refusing it."""
    return "TEXT" if isinstance(column.type, String) else column.type.compile(_POSTGRESQL)


class Bulk:
    """Writes rows of one table; `keys` and `sets` make it overwrite what is there.

    `keys` without `sets` leave what is there as it is.

    `without` names columns that the database fills in.
    """

    def __init__(
        self,
        table: Table,
        *,
        keys: Sequence[str] = (),
        sets: Sequence[str] = (),
        without: Sequence[str] = (),
    ) -> None:
        columns = [column for column in table.columns if column.name not in without]
        names = [column.name for column in columns]
        listed = ", ".join(names)
        conflict = ""
        if keys:
            changes = ", ".join(f"{name} = excluded.{name}" for name in sets)
            then = f"UPDATE SET {changes}" if sets else "NOTHING"
            conflict = f" ON CONFLICT ({', '.join(keys)}) DO {then}"
        marks = ", ".join("?" * len(names))
        self._sqlite = f"INSERT INTO {table.name} ({listed}) VALUES ({marks}){conflict}"
        self._convert = [
            (at, convert) for at, column in enumerate(columns) if (convert := _for_sqlite(column))
        ]
        sent = ", ".join(f"%s::{_sent_as(column)}[]" for column in columns)
        self._unnest = f"INSERT INTO {table.name} ({listed}) SELECT * FROM unnest({sent}){conflict}"
        self._encode = [_for_postgresql(column) for column in columns]

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write them all. Raises what the database says about the first that cannot be."""
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, [self._converted(row) for row in rows])
        else:
            send(connection, Statement(self._unnest, _arrays(rows, self._encode)))

    def _converted(self, row: Row) -> Row:
        return _converted(row, self._convert)


class BulkUpdate:
    """Changes columns of rows that are there; values are the key first, then `sets` in order."""

    def __init__(self, table: Table, key: str, sets: Sequence[str]) -> None:
        columns = [table.c[key], *(table.c[name] for name in sets)]
        changes = ", ".join(f"{name} = ?" for name in sets)
        self._sqlite = f"UPDATE {table.name} SET {changes} WHERE {key} = ?"
        self._convert = [
            (at, convert) for at, column in enumerate(columns) if (convert := _for_sqlite(column))
        ]
        sent = ", ".join(f"%s::{_sent_as(column)}[]" for column in columns)
        named = ", ".join(column.name for column in columns)
        changes = ", ".join(f"{name} = new.{name}" for name in sets)
        self._unnest = (
            f"UPDATE {table.name} AS old SET {changes} "
            f"FROM unnest({sent}) AS new({named}) WHERE old.{key} = new.{key}"
        )
        self._encode = [_for_postgresql(column) for column in columns]

    def __call__(self, connection: Connection, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if connection.dialect.name == "sqlite":
            converted = [_converted(row, self._convert) for row in rows]
            turned = [(*row[1:], row[0]) for row in converted]
            connection.exec_driver_sql(self._sqlite, turned)
        else:
            send(connection, Statement(self._unnest, _arrays(rows, self._encode)))


def _converted(row: Row, convert: Sequence[tuple[int, Callable[[Any], Any]]]) -> Row:
    if not convert:
        return row
    values = list(row)
    for at, each in convert:
        if values[at] is not None:
            values[at] = each(values[at])
    return tuple(values)


def _arrays(
    rows: Sequence[Row], encode: Sequence[Callable[[Sequence[Any]], str]]
) -> tuple[str, ...]:
    columns = zip(*rows, strict=True)
    return tuple(each(values) for values, each in zip(columns, encode, strict=True))
