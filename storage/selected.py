"""Rows by lists of keys, in statements of a fixed text; many questions in one round trip.

What is loaded for a batch is written as generators: each yields the queries it has at once and is
sent their rows. `load` runs several side by side. On PostgreSQL their queries go out together and
are answered together, in order; SQLite is asked one by one, which costs it nothing.
"""

from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from storage import arrays
from storage.roundtrip import Rows, Statement, ask


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
        return [_by_sqlite(connection, query) if query.ids else [] for query in queries]
    found = iter(ask(connection, [_for_postgresql(query) for query in queries if query.ids]))
    return [next(found) if query.ids else [] for query in queries]


def _by_sqlite(connection: Connection, query: Query) -> Rows:
    text = query.text.format(ids="IN (SELECT value FROM json_each(?))", pairs=_SQLITE_PAIRS)
    return connection.exec_driver_sql(text, (orjson.dumps(query.ids).decode(),)).all()


def _for_postgresql(query: Query) -> Statement:
    ids = query.ids
    if "{pairs}" in query.text:
        columns = tuple(arrays.texts(column) for column in zip(*ids, strict=True))
        return Statement(_statement(query.text, "text", query.lock), columns)
    if isinstance(ids[0], int):
        return Statement(_statement(query.text, "bigint", query.lock), (arrays.numbers(ids),))
    return Statement(_statement(query.text, "text", query.lock), (arrays.texts(ids),))


@lru_cache(maxsize=256)
def _statement(text: str, kind: str, lock: bool) -> str:
    filled = text.format(ids=f"= ANY(%s::{kind}[])", pairs=_POSTGRESQL_PAIRS)
    return filled + " FOR UPDATE" if lock else filled
