"""The database to verify, opened for reading only: a live one, a replica, a restored dump, a file.

Nothing here trusts the program that wrote the rows, nor needs it: plain SQL, read once, in order,
a page at a time, from one snapshot.
"""

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from loyalty.errors import WrongState
from storage.database import database_url

PAGE = 2000
# A cursor is planned for its first rows, and sorts in little memory: here every row is read.
_ALL_ROWS = ("cursor_tuple_fraction = 1", "work_mem = '128MB'", "jit = off")
_NAMED = re.compile(r":(\w+)")
TABLES = ("transactions", "entries", "accounts", "lots", "holds", "log_head", "checkpoints")


class Source:
    """One snapshot of one database."""

    def __init__(self, connection: Connection, tables: Collection[str]) -> None:
        self._connection = connection
        self._tables = tables
        self._cursors = 0
        self.postgres = connection.dialect.name == "postgresql"
        # Both databases and Python shall put ids in one order: that of their bytes.
        self.collate = ' COLLATE "C"' if self.postgres else ""

    def rows(self, query: str, **values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows in the order of the query, never more than a page of them in memory.

        Straight from the driver: there are millions, and every layer costs.
        """
        raw: Any = self._connection.connection.dbapi_connection
        try:
            if self.postgres:
                self._cursors += 1
                cursor = raw.cursor(name=f"verify_{self._cursors}")
                cursor.execute(_NAMED.sub(r"%(\1)s", query), values, binary=True)
            else:
                cursor = raw.execute(query, values)
            while page := cursor.fetchmany(PAGE):
                yield from page
            cursor.close()
        except (sqlite3.Error, psycopg.Error) as error:
            raise WrongState(f"The database cannot be read ({type(error).__name__}).") from error

    def one(self, query: str, **values: Any) -> Any:
        """The first row, or none."""
        return self._connection.execute(text(query), values).first()

    def has(self, table: str) -> bool:
        """Whether the copy came with it: what only saves work need not be there."""
        return table in self._tables

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {table}")[0])


@contextmanager
def opened_source(url: str) -> Iterator[Source]:
    """Read one snapshot of the database at `url`. Raises WrongState where there is no ledger."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            missing = [table for table in TABLES if table not in there]
            if missing:
                names = ", ".join(missing)
                raise WrongState(f"That database has no ledger: {names} missing.", missing=missing)
            if connection.dialect.name == "postgresql":
                for setting in _ALL_ROWS:
                    connection.exec_driver_sql(f"SET LOCAL {setting}")
            yield Source(connection, there)
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    address = database_url(url)
    if address.drivername != "sqlite":
        return create_engine(
            address,
            poolclass=NullPool,
            hide_parameters=True,
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        )
    path = Path(str(address.database)).absolute()
    if not path.is_file():
        raise WrongState(f"There is no file {str(address.database)!r}.")
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True),
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin no transaction for reading

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
