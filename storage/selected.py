"""Rows by lists of keys, in statements of a fixed text; many questions in one round trip.

What is loaded for a batch is written as generators: each yields the queries it has at once and is
sent their rows. `load` runs several side by side. On PostgreSQL their queries go out together and
are answered together, in order; SQLite is asked one by one, which costs it nothing.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson
import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Rows = Sequence[Any]


class Query(NamedTuple):
    """A query in which `{ids}` stands for "is one of these".

    `ids` are keys, or pairs of keys for a query that says `{pairs}`. `lock` locks the rows until
    the transaction ends, in the query's own order; SQLite has one writer.
    """

    text: str
    ids: Sequence[Any]
    lock: bool = False


Loading = Generator[Sequence[Query], Sequence[Rows], None]

_SQLITE_PAIRS = (
    "(SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS second "
    "FROM json_each(?)) AS asked"
)
_POSTGRESQL_PAIRS = "unnest(%s::text[], %s::text[]) AS asked(first, second)"


def load(connection: Connection, *loadings: Loading) -> None:
    """Run these side by side until each has what it wants."""
    live = [(each, asked) for each in loadings if (asked := next(each, None))]
    while live:
        rows = iter(answered(connection, [query for _, asked in live for query in asked]))
        further = []
        for each, asked in live:
            try:
                further.append((each, each.send([next(rows) for _ in asked])))
            except StopIteration:
                continue
        live = further


def answered(connection: Connection, queries: Sequence[Query]) -> Sequence[Rows]:
    """The rows of each, in order. Later queries see what earlier ones waited for a lock to see."""
    if connection.dialect.name == "sqlite":
        return [
            []
            if not query.ids
            else connection.exec_driver_sql(
                query.text.format(ids="IN (SELECT value FROM json_each(?))", pairs=_SQLITE_PAIRS),
                (orjson.dumps(query.ids).decode(),),
            ).all()
            for query in queries
        ]
    with pipelined(connection):
        raw: Any = connection.connection.dbapi_connection
        asked = [raw.execute(*_for_postgresql(query)) if query.ids else None for query in queries]
        return [cursor.fetchall() if cursor else [] for cursor in asked]


def _for_postgresql(query: Query) -> tuple[str, tuple[Any, ...]]:
    text = query.text.format(ids="= ANY(%s)", pairs=_POSTGRESQL_PAIRS)
    lock = " FOR UPDATE" if query.lock else ""
    if "{pairs}" in query.text:
        return text + lock, tuple(list(column) for column in zip(*query.ids, strict=True))
    return text + lock, (list(query.ids),)


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Statements in the block do not wait for each other's answers, on PostgreSQL."""
    if connection.dialect.name == "sqlite":
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    with translated(connection), raw.pipeline():
        yield


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """The driver's own errors are raised as SQLAlchemy's, so that one handler knows all."""
    try:
        yield
    except psycopg.Error as error:
        raise _as_sqlalchemy(connection, error) from error


def _as_sqlalchemy(connection: Connection, error: psycopg.Error) -> Exception:
    raw: Any = connection.connection.dbapi_connection
    gone = raw is None or raw.closed or isinstance(error, psycopg.errors.AdminShutdown)
    if gone:
        connection.invalidate()
    wrapped = DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=bool(gone),
        dialect=connection.dialect,
    )
    return wrapped if isinstance(wrapped, Exception) else error
